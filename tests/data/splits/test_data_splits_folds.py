"""Cross-validation: the folds of one stream partition the images."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.raw import Raw
from assay.data.splits.parts import parts
from assay.streams import Streams
from hypothesis import given, settings
from hypothesis import strategies as st

STREAMS = Streams({"split": 1})
members = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 11)), min_size=12, max_size=60)


def raw(pairs, official=None):
    """`pairs`: the class and group of each image; every group has at least one."""
    pairs = [(n % 3, n) for n in range(12)] + pairs
    labels, groups = (np.array(column) for column in zip(*pairs, strict=True))
    images = np.zeros((len(pairs), 2, 2, 1), np.uint8)
    return Raw(images, labels, ["a", "b", "c"], groups=groups.astype(str), parts=official)


def all_folds(data, spec, folds):
    return [parts(data, {**spec, "folds": folds, "fold": fold}, STREAMS) for fold in range(folds)]


@settings(deadline=None)
@given(members, st.integers(2, 6), st.sampled_from(["image", "group"]), st.booleans(), st.sampled_from([0, 0.1, 3]))
def test_folds_partition_the_images(pairs, folds, by, stratify, val):
    data = raw(pairs)
    val = val if by == "image" else 0  # groups may be too large for a small one, which is refused
    made = all_folds(data, {"val": val, "by": by, "stratify": stratify}, folds)
    tested = sum((each == "test").astype(int) for each in made)
    assert (tested == 1).all()
    for each in made:
        assert (each == "train").any()
        for group in np.unique(data.groups) if by == "group" else ():
            assert len(set(each[data.groups == group])) == 1
    if by == "image":
        sizes = [(each == "test").sum() for each in made]
        assert max(sizes) - min(sizes) <= 1
        for k in range(3) if stratify else ():
            of_class = [(each[data.labels == k] == "test").sum() for each in made]
            assert max(of_class) - min(of_class) <= 1


def test_val_comes_out_of_the_other_folds_with_its_share_of_all():
    made = all_folds(raw([(0, 0)] * 88), {"val": 0.1, "stratify": False}, 5)
    assert [((each == "test").sum(), (each == "val").sum()) for each in made] == [(20, 10)] * 5


def test_groups_of_equal_size_make_equal_folds():
    data = raw([(n % 3, n) for n in range(12)] * 4)
    made = all_folds(data, {"by": "group", "val": 10}, 4)
    assert [((each == "test").sum(), (each == "val").sum()) for each in made] == [(15, 10)] * 4


def test_an_official_test_split_is_dealt_out_too_and_an_official_val_split_is_not():
    official = np.array(["train", "train", "test", "val"] * 3 + ["train"] * 8)
    made = all_folds(raw([(0, 0)] * 8, official), {}, 2)
    assert all(((each == "val") == (official == "val")).all() for each in made)
    assert sum((each == "test").sum() for each in made) == (official != "val").sum()


@pytest.mark.parametrize("by", ["image", "group"])
def test_the_first_fold_is_meant_when_none_is_named(by):
    data = raw([(1, 4)] * 30)
    spec = {"folds": 3, "by": by}
    assert (parts(data, spec, STREAMS) == parts(data, {**spec, "fold": 0}, STREAMS)).all()
