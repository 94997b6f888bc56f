"""Labels from a file: by id, in the official order, and never silently of other images."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from altering import subject
from assay.data.noise.from_file import from_file
from assay.errors import MethodError

SHARED = Path(os.environ.get("ASSAY_SHARED_DATA", Path(__file__).resolve().parents[4] / "shared/data"))
CLASSES = ["cat", "dog", "owl"]
NOTHING = {"key": None, "check": None, "classes": None}
IDS = ["train-3", "train-0", "train-2"]


def read(path, labels=(0, 1, 2), ids=IDS, **options):
    return from_file(subject(labels, CLASSES, ids=ids), path=str(path), **{**NOTHING, **options}).tolist()


@pytest.fixture
def archive(tmp_path):
    np.savez(tmp_path / "l.npz", worse=np.array([2, 1, 0, 1]), clean=np.array([1, 0, 2, 0]))
    return tmp_path / "l.npz"


def test_rows_are_found_by_the_number_at_the_end_of_an_id(archive):
    assert read(archive, key="worse", check="clean") == [1, 2, 0]


def test_rows_are_found_by_id(tmp_path):
    np.savez(tmp_path / "l.npz", id=np.array(["c", "b", "a"]), label=np.array([0, 1, 2]))
    assert read(tmp_path / "l.npz", ids=["a", "b", "c"]) == [2, 1, 0]
    (tmp_path / "l.csv").write_text("id,label,other\na,owl,1\nb,dog,0\nc,cat,2\nd,cat,2\n")
    assert read(tmp_path / "l.csv", ids=["a", "b", "c"], key="label") == [2, 1, 0]
    assert read(tmp_path / "l.csv", ids=["a", "b", "c"], key="other") == [1, 0, 2]


def test_a_single_array(tmp_path):
    np.save(tmp_path / "l.npy", np.array([[2], [1], [0], [1]]))
    assert read(tmp_path / "l.npy") == [1, 2, 0]


def test_numbers_mean_the_classes_that_are_listed(archive):
    assert read(archive, key="worse", classes=["owl", "dog", "cat"]) == [1, 0, 2]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"key": "wors"}, "did you mean 'worse'"),
        ({}, "name under `key` one of worse, clean"),
        ({"key": "worse", "check": "clean", "labels": (0, 2, 2)}, "another order, or is of other images"),
        ({"key": "worse", "ids": ["train-3", "train-4", "train-0"]}, "no label for 1 of 3 images, such as train-4"),
        ({"key": "worse", "ids": ["train-3", "a", "train-0"]}, "give it an array or column `id`"),
        ({"key": "worse", "classes": ["cat", "dog"]}, "run from 0 to 2, expected 0 to 1"),
        ({"key": "worse", "classes": ["cat", "dog", "emu"]}, "calls 1 images emu, which this dataset has not"),
    ],
)
def test_what_does_not_fit_is_said(archive, options, says):
    with pytest.raises(MethodError, match=says):
        read(archive, **options)


@pytest.mark.parametrize(("name", "content"), [("l.npz", b"PK nothing"), ("l.csv", b"id,l\na,1\nb\n"), ("l.npy", b"")])
def test_a_file_that_cannot_be_read_is_said(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MethodError, match=name):
        read(tmp_path / name, ids=["a", "b", "c"])


@pytest.mark.skipif(not (SHARED / "cifar10n-labels.npz").is_file(), reason="needs the labels of CIFAR-10N")
@pytest.mark.parametrize(("key", "rate"), [("aggre_label", 0.0901), ("worse_label", 0.4021)])
def test_the_published_noise_rates_of_cifar10n(key, rate):
    file = SHARED / "cifar10n-labels.npz"
    with np.load(file) as arrays:
        clean = arrays["clean_label"].astype(np.int64)
    images = np.zeros((len(clean), 1, 1, 1), np.uint8)
    train = subject(clean, 10, images=images, ids=[f"train-{n:05d}" for n in range(len(clean))])
    noisy = from_file(train, path=str(file), key=key, check="clean_label", classes=None)
    assert (noisy != clean).mean() == pytest.approx(rate, abs=5e-5)
