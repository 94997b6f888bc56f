"""Sources that know right labels beside wrong ones, or that have an unlabelled part."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data import job
from assay.data.raw import Raw
from assay.errors import MethodError

IMAGES = np.zeros((6, 2, 2, 1), np.uint8)
LABELS = np.array([0, 1, 1, -1, 0, 1])
PARTS = np.array(["train"] * 3 + ["unlabelled", "test", "test"])


@pytest.fixture
def dataset(monkeypatch):
    def make(raw, split=None):
        monkeypatch.setattr(job, "bind", lambda *_: lambda _: raw)
        streams = {"split": 0, "alteration": 0, "generator": 0}
        return job.build({"source": {"method": "x"}, "split": split, "streams": streams}, None)

    return make


def test_original_labels_reach_the_splits_and_mark_the_noisy_ones(dataset):
    made = dataset(Raw(IMAGES, LABELS, ["a", "b"], parts=PARTS, original=np.array([0, 0, 1, -1, 0, 1])))
    train = made.splits["train"]
    assert train.labels.tolist() == [0, 1, 1]
    assert train.original.tolist() == [0, 0, 1]
    assert train.flags["noisy"].tolist() == [False, True, False]
    assert not made.splits["test"].flags["noisy"].any()


def test_without_them_labels_are_their_own_originals(dataset):
    train = dataset(Raw(IMAGES, LABELS, ["a", "b"], parts=PARTS)).splits["train"]
    assert train.original.tolist() == train.labels.tolist()
    assert train.flags == {}


@pytest.mark.parametrize("original", [np.array([0, 0, 2, 0, 0, 0]), np.zeros(5, int), np.zeros(6)])
def test_original_labels_are_checked_like_labels(original):
    with pytest.raises(MethodError, match=r"out of range|original for each of 6|must be integers"):
        Raw(IMAGES, LABELS, ["a", "b"], original=original)


@pytest.mark.parametrize("split", [None, {"val": 0.4, "test": 0.0, "stratify": False}])
def test_the_unlabelled_part_stays_out_of_train_and_its_cuts(dataset, split):
    made = dataset(Raw(IMAGES, LABELS, ["a", "b"], parts=PARTS), split)
    assert made.splits["unlabelled"].ids.tolist() == ["3"]
    assert made.splits["unlabelled"].labels.tolist() == [-1]
    kept = [name for name in ("train", "val") if name in made.splits]
    assert sorted(i for name in kept for i in made.splits[name].ids.tolist()) == ["0", "1", "2"]
