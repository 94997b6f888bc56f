"""Splits: official ones, fractions, and what moves when the data change."""

from __future__ import annotations

import numpy as np
from assay.data.raw import Raw
from assay.data.splits.parts import parts
from assay.streams import Streams
from hypothesis import given
from hypothesis import strategies as st

STREAMS = Streams({"split": 3})


def raw(labels, official=None):
    labels = np.asarray(labels, np.int64)
    return Raw(
        np.zeros((len(labels), 2, 2, 1), np.uint8),
        labels,
        [f"c{k}" for k in range(labels.max(initial=0) + 1)],
        parts=None if official is None else np.array(official),
    )


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=60),
    st.floats(0, 0.45),
    st.floats(0, 0.45),
    st.booleans(),
)
def test_each_class_gets_its_share(labels, val, test, stratify):
    made = parts(raw(labels), {"val": val, "test": test, "stratify": stratify}, STREAMS)
    groups = [np.array(labels) == k for k in set(labels)] if stratify else [np.full(len(labels), True)]
    for members in groups:
        for name, share in (("val", val), ("test", test)):
            assert abs((made[members] == name).sum() - share * members.sum()) <= 0.5 + 1e-9


def test_more_images_of_one_class_do_not_move_another():
    spec = {"val": 0.2, "test": 0.3, "stratify": True}
    few, many = parts(raw([0] * 20 + [1] * 10), spec, STREAMS), parts(raw([0] * 20 + [1] * 30), spec, STREAMS)
    assert few[:20].tolist() == many[:20].tolist()


def test_official_splits_stand():
    official = ["train"] * 6 + ["val"] * 2 + ["test"] * 2
    assert parts(raw([0] * 10, official), None, STREAMS).tolist() == official
    assert parts(raw([0] * 10, official), {"val": 0, "test": 0}, STREAMS).tolist() == official


def test_a_fraction_remakes_its_split_and_leaves_the_other():
    official = ["train"] * 20 + ["test"] * 5
    made = parts(raw([0] * 25, official), {"val": 0.25, "test": 0}, STREAMS)
    assert made[20:].tolist() == ["test"] * 5
    assert (made[:20] == "val").sum() == 5
    assert (made[:20] == "train").sum() == 15
