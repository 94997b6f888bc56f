"""Class shares at test: those asked for, with as many images as there can be."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.alter.shift import resample
from assay.data.dataset import Split
from assay.data.shift.prior import prior
from assay.data.shift.prior_dirichlet import prior_dirichlet
from assay.data.shift.prior_long_tail import prior_long_tail
from assay.errors import MethodError
from assay.streams import Streams
from hypothesis import given, settings
from hypothesis import strategies as st

RNG = np.random.default_rng(0)
NAMES = ["a", "b", "c"]
STREAMS = Streams({"alteration": 0})


def split(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    ids = np.array([f"t{n}" for n in range(len(labels))])
    return Split(np.zeros((len(labels), 2, 2, 1), np.uint8), labels, ids, labels.copy())


def counts_after(counts, shares):
    made = resample(split(counts), NAMES, lambda *_: np.asarray(shares), STREAMS)
    assert len(set(made.ids)) == len(made)
    return np.bincount(made.labels, minlength=len(counts)).tolist()


def test_as_many_images_as_the_scarcest_class_allows():
    assert counts_after([100, 100, 100], [0.5, 0.3, 0.2]) == [100, 60, 40]
    assert counts_after([100, 10, 100], [0.5, 0.25, 0.25]) == [20, 10, 10]
    assert counts_after([100, 0, 100], [0.25, 0, 0.75]) == [33, 0, 100]


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), min_size=3, max_size=3), st.lists(st.integers(0, 9), min_size=3, max_size=3))
def test_shares_are_met_but_for_a_part_of_an_image(counts, weights):
    if not sum(weights):
        return
    shares = np.array(weights) / sum(weights)
    made = np.array(counts_after(counts, shares))
    assert (np.abs(made - made.sum() * shares) < 1 + 1e-9).all()
    # One image more of every class could not be had.
    more = (made.sum() + 1) * shares
    assert (more > np.array(counts)).any()


def test_the_classes_named_have_the_shares_written_down():
    assert prior(np.array([5, 5, 5]), NAMES, RNG, shares={"c": 3.0, "a": 1.0}).tolist() == [0.25, 0, 0.75]


def test_a_long_tail_against_that_of_train():
    made = prior_long_tail(np.array([5, 5, 5]), NAMES, RNG, ratio=100, reversed=True)
    assert (made / made[0]).tolist() == pytest.approx([1, 10, 100])
    assert prior_long_tail(np.array([5, 5, 5]), NAMES, RNG, ratio=100, reversed=False).tolist() == made[::-1].tolist()


def test_dirichlet_shares_have_the_moments_of_the_distribution():
    """Var of one share of Dirichlet(a, a, a) is (1/3)(2/3) / (3a + 1)."""
    rng = np.random.default_rng(1)
    made = np.array([prior_dirichlet(np.array([5, 5, 5]), NAMES, rng, alpha=2.0) for _ in range(4000)])
    assert made.sum(1) == pytest.approx(np.ones(4000))
    assert made.mean(0) == pytest.approx([1 / 3] * 3, abs=0.01)
    assert made.var(0) == pytest.approx([2 / 9 / 7] * 3, rel=0.1)
    assert (prior_dirichlet(np.array([5, 0, 5]), NAMES, rng, alpha=2.0)[1]) == 0


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ({"d": 1.0}, "no class 'd'"),
        ({"a": 0.0}, "above 0 for at least one"),
        ({"b": 1.0}, "no image of b to give it a share"),
    ],
)
def test_shares_that_cannot_be_had_are_refused(shares, says):
    with pytest.raises(MethodError, match=says):
        resample(split([4, 0, 4]), NAMES, lambda *given: prior(*given, shares=shares), STREAMS)
