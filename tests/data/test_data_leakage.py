"""The card's report of near-duplicates: who overlaps with whom, how many, and that a search left out is said."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data import twins
from assay.data.dataset import Dataset, Split
from assay.data.leakage import near_duplicates


def pictures(count: int, seed: int, side: int = 16) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 200, (count, 4, 4, 1))
    return coarse.repeat(side // 4, 1).repeat(side // 4, 2).astype(np.uint8)


def split(images: np.ndarray, labels: list[int], name: str) -> Split:
    array = np.array(labels, np.int64)
    return Split(images, array, np.array([f"{name}{number}" for number in range(len(labels))]), array)


def test_twins_are_counted_by_pair_of_splits():
    images = pictures(6, 0)
    splits = {
        # A brighter copy in train itself, two in test (one under another label), an exact copy in val.
        "test": split(np.concatenate([images[:2] + 20, pictures(2, 1)]), [0, 1, 0, 0], "t"),
        "train": split(np.concatenate([images, images[5:] + 30]), [0, 0, 1, 1, 0, 1, 1], "r"),
        "val": split(images[2:3], [1], "v"),
    }
    found = near_duplicates(splits)
    assert found["searched"]
    assert found["pairs"] == {
        "train/train": {"images": 1, "other-label": 0, "examples": [["r5", "r6"]]},
        "train/val": {"images": 1, "other-label": 0, "examples": [["r2", "v0"]]},
        "train/test": {"images": 2, "other-label": 1, "examples": [["r0", "t0"], ["r1", "t1"]]},
    }


def test_an_outlier_set_is_held_against_what_it_is_shaped_like():
    images = pictures(4, 2)
    known = Dataset(["a"], {"train": split(images, [0] * 4, "r"), "test": split(pictures(2, 3), [0] * 2, "t")})
    outliers = {"test": split(np.concatenate([pictures(3, 4), images[1:2] + 9]), [-1] * 4, "o")}
    assert near_duplicates(outliers, known)["pairs"] == {
        "like:train/test": {"images": 1, "other-label": 0, "examples": [["o3"]]}
    }


@pytest.mark.parametrize(("limit", "side", "words"), [(10, 16, "11 images are more than the 10"), (11, 8, "8 pixels")])
def test_a_search_that_is_left_out_is_told(monkeypatch, limit, side, words):
    monkeypatch.setattr(twins, "LIMIT", limit)
    found = near_duplicates({"train": split(pictures(11, 5, side), [0] * 11, "r")})
    assert not found["searched"]
    assert words in found["why"]
