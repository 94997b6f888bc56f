"""Cutting by group: no group on two sides, and shares met as well as groups allow."""

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
sized = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 2)), min_size=12, max_size=40)


def raw(groups, official=None):
    """`groups`: (images, class) of each group, whose images are dealt out in turn."""
    names = np.repeat(np.arange(len(groups)), [size for size, _ in groups])
    labels = np.array([groups[name][1] for name in names], np.int64)
    mixed = np.random.default_rng(0).permutation(len(names))
    images = np.zeros((len(names), 2, 2, 1), np.uint8)
    groups = np.array([f"p{name}" for name in names[mixed]])
    return Raw(images, labels[mixed], ["a", "b", "c"], parts=official, groups=groups)


@settings(deadline=None)
@given(sized, st.booleans(), st.sampled_from([0.2, 0.3, 4]))
def test_no_group_straddles_and_test_is_off_by_half_a_group_at_most(groups, stratify, test):
    data = raw(groups)
    made = parts(data, {"test": test, "val": 0.2, "stratify": stratify, "by": "group"}, STREAMS)
    for name in np.unique(data.groups):
        assert len(set(made[data.groups == name])) == 1
    wanted = test * len(made) if test < 1 else test
    assert abs((made == "test").sum() - wanted) <= max(size for size, _ in groups) / 2
    assert set(made) == {"train", "val", "test"}


def test_equal_groups_meet_the_shares_in_every_class():
    data = raw([(3, k) for k in range(3) for _ in range(20)])
    made = parts(data, {"test": 0.25, "val": 0.1, "by": "group"}, STREAMS)
    for k in range(3):
        of_class = made[data.labels == k]
        assert ((of_class == "test").sum(), (of_class == "val").sum()) == (15, 6)


def test_groups_of_one_image_are_images():
    data = raw([(1, 0)] * 40)
    made = parts(data, {"test": 10, "val": 5, "by": "group"}, STREAMS)
    assert ((made == "test").sum(), (made == "val").sum()) == (10, 5)


def test_another_seed_takes_other_groups():
    data = raw([(2, 0)] * 40)
    spec = {"test": 0.25, "by": "group"}
    first, same, other = (parts(data, spec, Streams({"split": seed})) for seed in (0, 0, 1))
    assert (first == same).all()
    assert (first != other).any()


def test_a_group_is_of_the_class_that_most_of_its_images_have():
    """Ten groups of class a and ten of class b, each with a stranger in it: both classes give one test group."""
    groups = np.repeat([f"p{n:02d}" for n in range(20)], 5)
    labels = np.repeat([0] * 10 + [1] * 10, 5)
    labels[::5] = 1 - labels[::5]
    data = Raw(np.zeros((100, 2, 2, 1), np.uint8), labels, ["a", "b"], groups=groups)
    made = parts(data, {"test": 0.1, "by": "group"}, STREAMS)
    chosen = np.unique(groups[made == "test"])
    assert [name < "p10" for name in chosen] == [True, False]


def test_groups_torn_apart_by_the_source_are_refused():
    data = raw([(4, 0)] * 10, np.array(["train", "test"] * 20))
    with pytest.raises(MethodError, match=r"group p0 has images in .* as the source cuts them"):
        parts(data, {"val": 0.2, "by": "group"}, STREAMS)
    made = parts(data, {"val": 0.2, "test": 0.2, "by": "group"}, STREAMS)
    assert (made == "test").sum() == 8


@pytest.mark.parametrize(
    ("data", "spec", "says"),
    [
        (Raw(np.zeros((4, 2, 2, 1), np.uint8), np.zeros(4, int), ["a"]), {"test": 0.5}, "needs groups"),
        (raw([(10, 0)] * 2), {"test": 0.1}, "2 groups are too few or too large to give test"),
        (raw([(10, 0)] * 2), {"folds": 3}, "cannot be dealt out to 3 folds"),
    ],
)
def test_too_few_groups_are_said(data, spec, says):
    with pytest.raises(MethodError, match=says):
        parts(data, {**spec, "by": "group"}, STREAMS)
