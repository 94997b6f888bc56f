"""What the dataset section says of near-duplicates."""

from __future__ import annotations

import re
from html import unescape

from assay.report.sections.datasets import _near


def words(html: object) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", str(html))))


def test_counts_and_examples_by_pair_of_splits():
    pairs = {
        "train/train": {"images": 1, "other-label": 0},
        "train/test": {"images": 1200, "other-label": 7},
        "like:train/test": {"images": 2, "other-label": 0},
    }
    found = {"searched": True, "method": "pictures that are alike", "pairs": pairs}
    text = words(_near(found, {"train/test": [["a-1", "<b>"]]}))
    assert "train/test 1,200, like:train/test 2" in text
    assert "1 image of train repeating an earlier one" in text
    assert "1,200 images of test with a twin in train, 7 of them under another label (such as a-1 and <b>)" in text
    assert "2 images of test with a twin in the train split of the dataset it is shaped like" in text
    assert "such as" not in words(_near(found, {}))  # of a private dataset no ids are told


def test_none_and_not_looked_for():
    assert "No near-duplicates: alike" in words(_near({"searched": True, "method": "alike", "pairs": {}}, {}))
    assert "were not looked for: too many." in words(_near({"searched": False, "why": "too many"}, {}))
    assert _near(None, {}) is None
