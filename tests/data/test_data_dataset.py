"""The shared data structures refuse what does not fit together."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.dataset import Dataset, Split


def split(count=3, labels=None, shape=(2, 2, 1)):
    labels = np.zeros(count, np.int64) if labels is None else np.array(labels)
    return Split(np.zeros((count, *shape), np.uint8), labels, np.arange(count).astype(str), labels.copy())


def test_counts_leave_out_images_without_a_class():
    made = Dataset(["a", "b", "c"], {"train": split(4, [2, 0, 2, -1])})
    assert made.counts("train").tolist() == [1, 0, 2]
    assert made.counts("train").dtype == np.int64
    assert (made.size, made.channels) == (2, 1)


def test_take_keeps_every_array_in_step():
    made = Split(
        np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1),
        np.array([0, 1, 2]),
        np.array(["x", "y", "z"]),
        np.array([2, 1, 0]),
        np.array(["g", "h", "i"]),
        {"noisy": np.array([True, False, True])},
    ).take(np.array([2, 0]))
    assert made.images[:, 0, 0, 0].tolist() == [8, 0]
    assert (made.labels.tolist(), made.original.tolist()) == ([2, 0], [0, 2])
    assert (made.ids.tolist(), made.groups.tolist()) == (["z", "x"], ["i", "g"])
    assert made.flags["noisy"].tolist() == [True, True]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="uint8"):
        Split(np.zeros((1, 2, 2, 1)), np.zeros(1, np.int64), np.array(["a"]), np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="ids"):
        Split(np.zeros((1, 2, 2, 1), np.uint8), np.zeros(1, np.int64), np.array(["a", "b"]), np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="2 classes"):
        Dataset(["a", "b"], {"test": split(1, [2])})
    with pytest.raises(ValueError, match="same shape"):
        Dataset(["a"], {"train": split(), "test": split(shape=(3, 3, 1))})
