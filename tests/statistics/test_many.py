"""Interquartile means and performance profiles by hand."""

import numpy as np
import pytest
from assay.statistics.many import iqm, iqm_interval, profile


def test_the_middle_half():
    # Of 1..8 the middle half is 3, 4, 5, 6; an outlier moves the mean and not it.
    scores = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])
    assert iqm(scores) == 4.5
    scores[1, 3] = 1000
    assert iqm(scores) == 4.5


def test_seeds_are_resampled_within_their_dataset():
    # Without spread between seeds the interval is the value, however much the datasets differ.
    scores = np.repeat([[0.1], [0.5], [0.9]], 4, axis=1)
    assert iqm_interval(scores) == pytest.approx((iqm(scores),) * 2)
    low, high = iqm_interval(scores + np.array([-0.02, 0, 0.01, 0.03]))
    assert low < iqm(scores + np.array([-0.02, 0, 0.01, 0.03])) < high
    assert iqm_interval(scores[:, :1]) is None


@pytest.mark.parametrize("seeds", [2, 5])
def test_the_interval_covers_nearly_as_nominal(seeds):
    rng = np.random.default_rng(seeds)
    trials = 200
    hits = 0
    for _ in range(trials):
        low, high = iqm_interval(rng.normal(0.5, 0.1, (4, seeds)))
        hits += low <= 0.5 <= high
    # Without widening it covers 0.81 at two seeds and 0.90 at five.
    assert hits / trials > 0.95 - 3 * (0.95 * 0.05 / trials) ** 0.5


def test_a_profile_is_the_share_of_runs_above():
    scores = np.array([[0.1, 0.2], [0.6, 0.9]])
    assert list(profile(scores, [0.0, 0.1, 0.5, 0.6, 0.95])) == [1.0, 0.75, 0.5, 0.25, 0.0]
