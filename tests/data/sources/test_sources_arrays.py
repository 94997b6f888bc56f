"""Published sets that come as arrays: USPS, SVHN, STL-10, MedMNIST, CIFAR-10.1 and the corrupted CIFARs."""

from __future__ import annotations

import bz2
import hashlib
import io

import numpy as np
import pytest
from assay.data.sources import cifar10_c as cifar10_c_module
from assay.data.sources.cifar10_1 import cifar10_1
from assay.data.sources.cifar10_c import cifar10_c
from assay.data.sources.cifar100_c import cifar100_c
from assay.data.sources.medmnist import medmnist
from assay.data.sources.stl10 import CLASSES as STL10_CLASSES
from assay.data.sources.stl10 import stl10
from assay.data.sources.svhn import svhn
from assay.data.sources.usps import usps
from assay.errors import MethodError
from published_stand_in import Folder, claim, npy, pack_tar
from scipy.io import savemat
from torchvision.datasets import SVHN, USPS

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
LABELS = RNG.permutation(10)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def libsvm(values, labels):
    lines = [
        f"{label + 1} " + " ".join(f"{i + 1}:{v:.6g}" for i, v in enumerate(row)) + " \n"
        for row, label in zip(values, labels, strict=True)
    ]
    return bz2.compress("".join(lines).encode())


def test_usps_is_read_as_torchvision_reads_it(folder, monkeypatch):
    claim(monkeypatch, usps, {"train": 7, "test": 3})
    values = RNG.uniform(-1, 1, (10, 256)).round(3)
    values[0, :3] = [-1, 0, 1]
    for name, rows in (("usps.bz2", slice(7)), ("usps.t.bz2", slice(7, 10))):
        folder.put(f"usps/{name}", libsvm(values[rows], LABELS[rows]))
    raw = usps(folder.given)
    for train in (True, False):
        other = USPS(str(folder.root / "usps"), train=train)
        mine = raw.parts == ("train" if train else "test")
        assert (raw.images[mine][..., 0] == other.data).all()
        assert raw.labels[mine].tolist() == other.targets
    assert raw.labels.tolist() == LABELS.tolist()
    assert raw.images[0, 0, :3, 0].tolist() == [0, 127, 255]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (libsvm(np.zeros((7, 256)), LABELS[:7])[:-20], r"usps\.bz2 is damaged or cut short"),
        (libsvm(np.zeros((7, 255)), LABELS[:7]), "no file of labels and 256 values a line"),
        (libsvm(np.zeros((7, 256)), LABELS[:7] - LABELS[:7].min() - 1), "labels below the first class"),
        (bz2.compress(b"1 " + b" ".join(b"%d:0" % i for i in range(256)) + b"\n"), "numbered from 1 to 256"),
    ],
)
def test_usps_that_is_wrong_is_refused(folder, monkeypatch, data, says):
    claim(monkeypatch, usps, {"train": 7, "test": 3})
    folder.put("usps/usps.bz2", data)
    folder.put("usps/usps.t.bz2", libsvm(np.zeros((3, 256)), LABELS[:3]))
    with pytest.raises(MethodError, match=says):
        usps(folder.given)


def matlab(images, labels, **more):
    packed = io.BytesIO()
    savemat(packed, {"X": images.transpose(1, 2, 3, 0), "y": labels[:, None].astype(np.uint8), **more})
    return packed.getvalue()


SVHN_ROWS = {"train": slice(5), "extra": slice(5, 8), "test": slice(8, 10)}


@pytest.mark.parametrize("extra", [False, True])
def test_svhn_is_read_as_torchvision_reads_it(folder, monkeypatch, extra):
    claim(monkeypatch, svhn, {"plain": {"train": 5, "test": 2}, "extra": {"train": 8, "test": 2}})
    for part, rows in SVHN_ROWS.items():
        data = matlab(IMAGES[rows], np.where(LABELS[rows] == 0, 10, LABELS[rows]))
        folder.put(f"svhn/{part}_32x32.mat", data)
        monkeypatch.setitem(SVHN.split_list, part, ["", f"{part}_32x32.mat", hashlib.md5(data).hexdigest()])
    raw = svhn(folder.given, extra=extra)
    order = ["train", *(["extra"] if extra else []), "test"]
    others = [SVHN(str(folder.root / "svhn"), part) for part in order]
    assert (raw.images == np.concatenate([other.data for other in others]).transpose(0, 2, 3, 1)).all()
    assert raw.labels.tolist() == [label for other in others for label in other.labels.tolist()]
    assert raw.labels.tolist() == np.concatenate([LABELS[SVHN_ROWS[part]] for part in order]).tolist()
    assert (raw.images == np.concatenate([IMAGES[SVHN_ROWS[part]] for part in order])).all()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (matlab(IMAGES[:5], LABELS[:5])[:-4000], r"train_32x32\.mat cannot be read as a MATLAB file"),
        (b"<html>", "cannot be read as a MATLAB file"),
        (matlab(IMAGES[:5].astype(float), LABELS[:5]), "X must be uint8 .*not float64"),
        (matlab(IMAGES[:5], LABELS[:4]), "train has 4 labels for 5 images"),
        (matlab(IMAGES[:5], np.array([1, 2, 3, 4, 11])), "label 11 of image 4 is out of range"),
        (matlab(IMAGES[:4], LABELS[:4]), "svhn: expected train 5, test 2 images, found train 4, test 2"),
    ],
)
def test_svhn_that_is_wrong_is_refused(folder, monkeypatch, data, says):
    claim(monkeypatch, svhn, {"plain": {"train": 5, "test": 2}})
    folder.put("svhn/train_32x32.mat", data)
    folder.put("svhn/test_32x32.mat", matlab(IMAGES[8:], LABELS[8:]))
    with pytest.raises(MethodError, match=says):
        svhn(folder.given, extra=False)


LARGE = RNG.integers(0, 256, (6, 96, 96, 3), dtype=np.uint8)


def stl_files():
    files = {"class_names.txt": "\n".join(STL10_CLASSES).encode()}
    for name, rows in (("train", slice(2)), ("test", slice(2, 4)), ("unlabeled", slice(4, 6))):
        files[f"{name}_X.bin"] = LARGE[rows].transpose(0, 3, 2, 1).tobytes()
        if name != "unlabeled":
            files[f"{name}_y.bin"] = (LABELS[rows] + 1).astype(np.uint8).tobytes()
    return {f"stl10_binary/{name}": data for name, data in files.items()}


def expect_stl(monkeypatch):
    claim(
        monkeypatch,
        stl10,
        {"unlabelled": {"train": 2, "unlabelled": 2, "test": 2}, "labelled": {"train": 2, "test": 2}},
    )


def test_stl10_has_an_unlabelled_part(folder, monkeypatch):
    expect_stl(monkeypatch)
    folder.put("stl10/stl10_binary.tar.gz", pack_tar(stl_files()))
    raw = stl10(folder.given, unlabelled=True)
    assert raw.parts.tolist() == ["train"] * 2 + ["unlabelled"] * 2 + ["test"] * 2
    assert (raw.images == LARGE[[0, 1, 4, 5, 2, 3]]).all()
    assert raw.labels.tolist() == [*LABELS[:2].tolist(), -1, -1, *LABELS[2:4].tolist()]
    few = stl10(folder.given, unlabelled=False)
    assert few.parts.tolist() == ["train"] * 2 + ["test"] * 2
    assert (few.images == LARGE[:4]).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"train_X.bin": b"x" * 100}, r"train_X\.bin is no whole number of images"),
        ({"train_y.bin": bytes([1])}, "train has 1 labels for 2 images"),
        ({"train_y.bin": bytes([0, 1])}, "train has labels below the first class"),
        ({"test_X.bin": LARGE[:3].tobytes(), "test_y.bin": bytes([1, 1, 1])}, "expected train 2.*found.*test 3"),
        ({"test_y.bin": None}, r"no test_y\.bin in the archive"),
    ],
)
def test_stl10_that_is_wrong_is_refused(folder, monkeypatch, change, says):
    expect_stl(monkeypatch)
    files = stl_files() | {f"stl10_binary/{name}": data for name, data in change.items()}
    folder.put("stl10/stl10_binary.tar.gz", pack_tar({k: v for k, v in files.items() if v is not None}))
    with pytest.raises(MethodError, match=says):
        stl10(folder.given, unlabelled=True)


def med(**changes):
    arrays = {}
    for part, rows in (("train", slice(5)), ("val", slice(5, 7)), ("test", slice(7, 10))):
        arrays[f"{part}_images"], arrays[f"{part}_labels"] = IMAGES[rows, :28, :28], LABELS[rows, None] % 8
    packed = io.BytesIO()
    np.savez_compressed(packed, **{**arrays, **changes})
    return packed.getvalue()


@pytest.mark.parametrize(("resolution", "file"), [(28, "bloodmnist.npz"), (64, "bloodmnist_64.npz")])
def test_medmnist_has_official_splits_and_sizes(folder, monkeypatch, resolution, file):
    claim(monkeypatch, medmnist, {"bloodmnist": {"train": 5, "val": 2, "test": 3}})
    folder.put(f"medmnist/{file}", med())
    raw = medmnist(folder.given, set="bloodmnist", resolution=resolution)
    assert (raw.images == IMAGES[:, :28, :28]).all()
    assert raw.labels.tolist() == (LABELS % 8).tolist()
    assert raw.parts.tolist() == ["train"] * 5 + ["val"] * 2 + ["test"] * 3
    assert raw.classes[0] == "basophil"
    assert len(raw.classes) == 8
    assert raw.licence == "CC BY 4.0"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"val_labels": np.eye(2, 8, dtype=int)}, "one label an image"),
        ({"val_labels": np.array([[1]])}, "val_labels has 1 labels for 2 images"),
        ({"val_images": IMAGES[:1, :28, :28], "val_labels": np.array([[1]])}, "medmnist: expected train 5, val 2, "),
        ({"val_labels": np.array([[1], [8]])}, "label 8 is out of range: expected 0 to 7"),
    ],
)
def test_medmnist_that_is_wrong_is_refused(folder, monkeypatch, changes, says):
    claim(monkeypatch, medmnist, {"bloodmnist": {"train": 5, "val": 2, "test": 3}})
    folder.put("medmnist/bloodmnist.npz", med(**changes))
    with pytest.raises(MethodError, match=says):
        medmnist(folder.given, set="bloodmnist", resolution=28)


def test_every_set_of_medmnist_has_its_facts(registry):
    from assay.data.readers.medmnist_info import SETS

    card = registry.card("source", "medmnist")
    assert set(card.options["set"].choices) == set(SETS) == set(card.origin.counts)
    assert "chestmnist" not in SETS
    assert "several labels" in card.options["set"].help
    for info in SETS.values():
        assert set(info.md5) == set(card.options["resolution"].choices)
    # Yang et al. 2023, abstract: 708,069 images in the twelve 2-D sets, of which 112,120 are chest X-rays. Version 3
    # dropped blank ones from the three sets of organs, which had 58,850, 23,660 and 25,221.
    sizes = {name: sum(parts.values()) for name, parts in card.origin.counts.items()}
    dropped = 58850 - sizes["organamnist"] + 23660 - sizes["organcmnist"] + 25221 - sizes["organsmnist"]
    assert dropped == 107
    assert sum(sizes.values()) == 708069 - 112120 - dropped


@pytest.mark.parametrize("version", ["v4", "v6"])
def test_cifar10_1_is_a_test_set(folder, monkeypatch, version):
    claim(monkeypatch, cifar10_1, {version: {"test": 10}})
    folder.put(f"cifar10.1/cifar10.1_{version}_data.npy", npy(IMAGES))
    folder.put(f"cifar10.1/cifar10.1_{version}_labels.npy", npy(LABELS.astype(np.int32)))
    raw = cifar10_1(folder.given, version=version)
    assert (raw.images == IMAGES).all()
    assert raw.labels.tolist() == LABELS.tolist()
    assert set(raw.parts) == {"test"}
    folder.put(f"cifar10.1/cifar10.1_{version}_data.npy", npy(IMAGES)[:-10])
    with pytest.raises(MethodError, match=r"data\.npy cannot be read as plain arrays"):
        cifar10_1(folder.given, version=version)
    folder.put(f"cifar10.1/cifar10.1_{version}_data.npy", npy(np.array([{}])))
    with pytest.raises(MethodError, match="plain arrays"):
        cifar10_1(folder.given, version=version)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(("source", "name"), [(cifar10_c, "CIFAR-10-C"), (cifar100_c, "CIFAR-100-C")])
@pytest.mark.parametrize("severity", [1, 5])
def test_one_corruption_and_severity_are_read(folder, monkeypatch, source, name, severity, alone):
    claim(monkeypatch, source, {"test": 2})
    stem = source.assay_method[1]
    labels = np.tile([3, 8], 5)
    monkeypatch.setattr(cifar10_c_module, "TEST_LABELS", hashlib.sha256(np.array([3, 8], "<i8").tobytes()).hexdigest())
    files = {"fog.npy": npy(IMAGES), "snow.npy": npy(255 - IMAGES), "labels.npy": npy(labels.astype(np.uint8))}
    if alone:
        for file in ("fog.npy", "labels.npy"):
            folder.put(f"{stem}/{file}", files[file])
    else:
        folder.put(f"{stem}/{name}.tar", pack_tar({f"{name}/{k}": v for k, v in files.items()}, "w:"))
    raw = source(folder.given, corruption="fog", severity=severity)
    assert (raw.images == IMAGES[2 * severity - 2 : 2 * severity]).all()
    assert raw.labels.tolist() == [3, 8]
    assert set(raw.parts) == {"test"}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"fog.npy": npy(IMAGES), "labels.npy": npy(np.tile([8, 3], 5))}, "not those of CIFAR-10's test images"),
        ({"fog.npy": npy(IMAGES), "labels.npy": npy(np.tile([3, 8], 4))}, "and 8 labels"),
        ({"fog.npy": npy(IMAGES[:5]), "labels.npy": npy(np.full(5, 3))}, "expected test 2 images, found test 1"),
        ({"fog.npy": npy(IMAGES)}, r"no labels\.npy in the archive"),
    ],
)
def test_corrupted_images_that_are_wrong_are_refused(folder, monkeypatch, files, says):
    claim(monkeypatch, cifar10_c, {"test": 2})
    folder.put("cifar10-c/CIFAR-10-C.tar", pack_tar({f"CIFAR-10-C/{k}": v for k, v in files.items()}, "w:"))
    with pytest.raises(MethodError, match=says):
        cifar10_c(folder.given, corruption="fog", severity=1)
