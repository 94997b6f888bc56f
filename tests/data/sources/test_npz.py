"""Archives: both layouts are read, and what is wrong with one is said."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from assay.data.archive import NoFiles
from assay.data.given import Given
from assay.data.job import build
from assay.data.sources.npz import npz
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import scan

OPTIONS = {"sha256": None, "classes": None, "licence": "", "citation": ""}
IMAGES = np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def read(path, **changes):
    return npz(Given(Streams({}), None, NoFiles()), path=str(path), **{**OPTIONS, **changes})


def save(folder, **arrays):
    np.savez(folder / "set.npz", **arrays)
    return folder / "set.npz"


def test_plain_layout(tmp_path):
    raw = read(save(tmp_path, images=IMAGES, labels=LABELS.astype(np.uint8), class_names=np.array(["x", "y", "z"])))
    assert raw.images.shape == (6, 4, 4, 1)
    assert (raw.images[..., 0] == IMAGES).all()
    assert (raw.labels.tolist(), raw.labels.dtype) == (LABELS.tolist(), np.int64)
    assert raw.classes == ["x", "y", "z"]
    assert raw.parts is None


def test_medmnist_layout(tmp_path):
    arrays = {}
    for start, part in ((0, "train"), (3, "val"), (5, "test")):
        stop = {"train": 3, "val": 5, "test": 6}[part]
        arrays[f"{part}_images"], arrays[f"{part}_labels"] = IMAGES[start:stop], LABELS[start:stop, None]
    raw = read(save(tmp_path, **arrays))
    assert raw.parts.tolist() == ["train"] * 3 + ["val"] * 2 + ["test"]
    assert (raw.images[..., 0] == IMAGES).all()
    assert raw.labels.tolist() == LABELS.tolist()
    assert len(set(raw.ids)) == 6


def test_a_digest_is_checked(tmp_path):
    file = save(tmp_path, images=IMAGES, labels=LABELS)
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    assert len(read(file, sha256=right).images) == 6
    with pytest.raises(MethodError, match="expected 00"):
        read(file, sha256="0" * 64)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"images": IMAGES}, "no array 'labels'.*has images"),
        ({"labels": LABELS}, "no array 'images'"),
        ({"train_images": IMAGES, "train_labels": LABELS, "test_images": IMAGES}, "no array 'test_labels'"),
        ({"images": IMAGES, "labels": LABELS[:4]}, "4 labels for 6 images"),
        ({"images": IMAGES / 255, "labels": LABELS}, "must be uint8.*float64"),
        ({"images": IMAGES[..., :2, None].repeat(2, 3), "labels": LABELS}, r"not \[6, 4, 2, 2\]"),
        ({"images": IMAGES, "labels": LABELS.astype(float)}, "must be integers"),
        ({"images": IMAGES, "labels": np.eye(6, 3, dtype=int)}, "one label an image"),
        ({"images": IMAGES, "labels": LABELS - 1}, "image 0: label -1 is out of range: expected 0 to 1"),
        ({"images": IMAGES, "labels": LABELS, "class_names": np.array(["x", "y"])}, "expected 0 to 1"),
        ({"images": IMAGES, "labels": LABELS, "class_names": np.array(["x", "y", "y"])}, "must differ"),
        ({"images": IMAGES, "labels": np.array([0, {}], dtype=object)}, "plain arrays"),
        ({"images": IMAGES, "labels": LABELS + 100}, "image 2: label 102 is out of range: there are only 6"),
        ({"images": IMAGES, "labels": LABELS, "groups": np.arange(5)}, r"one group an image, \[6\], not \[5\]"),
        ({"images": IMAGES, "labels": LABELS, "train_images": IMAGES, "train_labels": LABELS}, "expected one layout"),
        ({"images": IMAGES, "labels": LABELS, "class_names": np.array([["x"]])}, r"list of names, \[K\]"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "holds no images"),
    ],
)
def test_a_wrong_archive_is_refused(tmp_path, arrays, says):
    with pytest.raises(MethodError, match=says):
        read(save(tmp_path, **arrays))


def test_a_missing_or_broken_file_is_refused(tmp_path):
    save(tmp_path, images=IMAGES, labels=LABELS)
    with pytest.raises(MethodError, match=r"did you mean set\.npz"):
        read(tmp_path / "sett.npz")
    (tmp_path / "set.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(MethodError, match="cannot be read"):
        read(tmp_path / "set.npz")


def test_an_archive_that_promises_more_than_it_holds_takes_no_memory(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        for name, shape in (("images", (10**7, 1000, 1000)), ("labels", (10**7,))):
            header = io.BytesIO()
            kind = np.lib.format.dtype_to_descr(np.dtype(np.uint8))
            np.lib.format.write_array_header_1_0(header, {"descr": kind, "fortran_order": False, "shape": shape})
            archive.writestr(f"{name}.npy", header.getvalue() + bytes(100))
    with pytest.raises(MethodError, match=r"images.npy holds 100 bytes, expected 10,000,000,000,000"):
        read(tmp_path / "set.npz")


def test_classes_without_images_and_other_arrays_are_counted(tmp_path):
    raw = read(save(tmp_path, images=IMAGES, labels=LABELS, weights=LABELS), classes=["x", "y", "z", "none"])
    assert raw.decisions == {
        "class without images": {"count": 1, "ids": ["none"]},
        "array that is not read": {"count": 1, "ids": ["weights"]},
    }


def test_images_take_the_shape_of_the_dataset_they_are_like(tmp_path):
    registry, streams = scan(), {"split": 0, "alteration": 0, "generator": 0}
    digits = build({"source": {"method": "digits"}, "streams": streams}, registry)
    flat = np.full((2, 20, 30, 3), 255, np.uint8)
    flat[1] = [255, 0, 0]
    file = save(tmp_path, images=flat, labels=np.array([0, 1]))
    made = build({"source": {"method": "npz", "path": str(file), **OPTIONS}, "streams": streams}, registry, like=digits)
    images = made.splits["test"].images
    assert images.shape == (2, 8, 8, 1)
    assert (images[0] == 255).all()
    assert (images[1] == 76).all()  # 0.299 of 255, the luma of pure red


SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "pneumoniamnist-imbalanced.npz"


@pytest.mark.skipif(not SHARED.exists(), reason="the optional data sets are not here")
def test_a_real_medmnist_archive():
    raw = read(SHARED, classes=["normal", "pneumonia"])
    assert np.bincount(raw.labels[raw.parts == "train"]).tolist() == [388, 3494]
    assert [(raw.parts == part).sum() for part in ("train", "val", "test")] == [3882, 524, 624]
