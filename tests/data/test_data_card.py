"""Duplicates across splits are found, and told apart from lookalikes."""

from __future__ import annotations

import numpy as np
from assay.data.card import duplicates, moments
from assay.data.dataset import Split


def split(values, labels, name):
    images = np.array(values, np.uint8).reshape(-1, 1, 1, 1).repeat(2, 1)
    labels = np.array(labels, np.int64)
    return Split(images, labels, np.array([f"{name}{i}" for i in range(len(labels))]), labels)


def test_twins_are_counted_by_pair_of_splits_with_their_labels():
    found = duplicates(
        {
            "test": split([5, 6, 7], [0, 1, 1], "t"),
            "train": split([5, 5, 5, 6], [0, 0, 1, 0], "r"),
            "val": split([9], [0], "v"),
        }
    )
    assert found == {
        "train/train": {"images": 2, "other-label": 1},
        "train/test": {"images": 2, "other-label": 1},
    }


def test_moments_of_two_known_values():
    images = np.array([0, 255, 255, 255], np.uint8).reshape(4, 1, 1, 1)
    mean, std = moments(images)
    np.testing.assert_allclose(mean, [0.75])
    np.testing.assert_allclose(std, [np.sqrt(0.75 * 0.25)])
