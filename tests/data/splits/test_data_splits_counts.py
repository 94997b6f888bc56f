"""Counts in place of shares, and what a fixed split is safe from."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.raw import Raw
from assay.data.splits.parts import parts
from assay.errors import MethodError
from assay.streams import Streams
from hypothesis import given, settings
from hypothesis import strategies as st

STREAMS = Streams({"split": 3})
labelled = st.lists(st.integers(0, 3), min_size=31, max_size=60)
unhurried = settings(deadline=None)


def raw(labels, official=None):
    labels = np.asarray(labels, np.int64)
    images = np.zeros((len(labels), 2, 2, 1), np.uint8)
    return Raw(images, labels, ["a", "b", "c", "d"], parts=None if official is None else np.array(official))


@unhurried
@given(labelled, st.integers(1, 15), st.integers(1, 15), st.booleans())
def test_counts_are_exact_and_each_class_gives_its_part(labels, val, test, stratify):
    made = parts(raw(labels), {"val": val, "test": test, "stratify": stratify}, STREAMS)
    assert ((made == "val").sum(), (made == "test").sum()) == (val, test)
    for k in set(labels) if stratify else ():
        members = np.array(labels) == k
        # Webster's method may leave its quota by more than a half, but hardly ever by one.
        assert abs((made[members] == "test").sum() - test * members.mean()) < 2


def test_counts_of_equal_classes_are_equal():
    made = parts(raw([0, 1, 2, 3] * 25), {"val": 8, "test": 40}, STREAMS)
    for name, count in (("val", 2), ("test", 10)):
        assert [int((made[k::4] == name).sum()) for k in range(4)] == [count] * 4


def test_a_count_and_a_share_go_together():
    made = parts(raw([0] * 50 + [1] * 50), {"val": 7, "test": 0.2}, STREAMS)
    assert ((made == "val").sum(), (made == "test").sum()) == (7, 20)


@unhurried
@given(st.lists(st.sampled_from(["train", "val", "test"]), max_size=50), st.sampled_from([4, 0.25]))
def test_a_fixed_split_and_a_new_one_never_touch(official, wanted):
    official = ["train"] * 10 + official
    data = raw([0] * len(official), official)
    for new, fixed in (("val", "test"), ("test", "val")):
        made = parts(data, {new: wanted}, STREAMS)
        assert ((made == fixed) == (np.array(official) == fixed)).all()
        assert (made == new).any()


@pytest.mark.parametrize("spec", [{"val": 10}, {"val": 4, "test": 6}, {"test": 0.5, "val": 5}, {"val": 11}])
def test_counts_must_leave_images_to_train_on(spec):
    with pytest.raises(MethodError, match="leave images to train on"):
        parts(raw([0] * 10), spec, STREAMS)
