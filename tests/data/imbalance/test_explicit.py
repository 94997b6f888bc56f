"""Counts and fractions of classes by their names."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.imbalance.explicit import explicit
from assay.data.imbalance.fractions import fractions
from assay.errors import MethodError

COUNTS, NAMES = np.array([50, 20, 30]), ["a", "b", "c"]


def test_named_classes_get_their_counts_and_the_others_keep_theirs():
    assert explicit(COUNTS, NAMES, keep={"c": 3, "a": 0}).tolist() == [0, 20, 3]
    assert COUNTS.tolist() == [50, 20, 30]


def test_named_classes_keep_their_fraction():
    assert fractions(COUNTS, NAMES, keep={"c": 0.1, "a": 0.58}, others=1.0).tolist() == [29, 20, 3]
    assert fractions(COUNTS, NAMES, keep={"b": 1.0}, others=0.001).tolist() == [1, 20, 1]
    assert fractions(COUNTS, NAMES, keep={"b": 0.0}, others=0.5).tolist() == [25, 0, 15]


@pytest.mark.parametrize(
    "profile",
    [
        lambda keep: explicit(COUNTS, ["cat", "dog", "owl"], keep=keep),
        lambda keep: fractions(COUNTS, ["cat", "dog", "owl"], keep=keep, others=1.0),
    ],
)
def test_an_unknown_class_is_refused_with_the_nearest(profile):
    with pytest.raises(MethodError, match="did you mean 'owl'"):
        profile({"ow": 1})
