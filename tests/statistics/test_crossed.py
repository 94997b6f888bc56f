"""The bootstrap over seeds and images against closed forms."""

import numpy as np
import pytest
from assay.claims.interval import mean_interval
from assay.statistics.crossed import crossed, means


def test_where_only_images_differ_the_spread_is_that_of_a_share():
    # All seeds are right on the same 300 of 400 images: the sampling variance p (1 - p) / N remains.
    right = np.tile(np.arange(400) < 300, (5, 1))
    assert means(right, 4000).std() == pytest.approx((0.75 * 0.25 / 400) ** 0.5, rel=0.06)


def test_where_only_seeds_differ_the_spread_is_that_of_the_seeds():
    # A seed adds the same to every image: the variance of the bootstrap over S seeds is var / S.
    offsets = np.array([0.1, 0.4, 0.2, 0.7, 0.6])
    values = np.repeat(offsets[:, None], 300, axis=1)
    assert means(values, 4000).std() == pytest.approx((offsets.var() / 5) ** 0.5, rel=0.06)


def test_both_add_up():
    offsets, images = np.array([0.1, 0.4, 0.2, 0.7, 0.6]), np.linspace(0, 1, 50)
    values = offsets[:, None] + images[None]
    assert means(values, 4000).std() == pytest.approx((offsets.var() / 5 + images.var() / 50) ** 0.5, rel=0.06)


def test_where_only_seeds_differ_the_interval_is_that_of_t():
    offsets = np.array([0.1, 0.4, 0.2, 0.7, 0.6])
    values = np.repeat(offsets[:, None], 40, axis=1)
    # The bootstrap's standard error is itself drawn, so it is a few hundredths off.
    low, high = crossed(values)
    found = mean_interval(list(offsets))
    assert (high - low) == pytest.approx(found.high - found.low, rel=0.06)
    assert (low + high) / 2 == pytest.approx(found.mean)


def test_two_seeds_do_not_pretend_to_know():
    values = np.array([[1.0] * 90 + [0.0] * 10, [1.0] * 60 + [0.0] * 40])
    low, high = crossed(values)
    assert high - low > 0.95 * 2 * 12.7062 * 0.15


def test_none_without_two_of_either():
    assert crossed(np.ones((1, 10))) is None
    assert crossed(np.ones((3, 1))) is None
    assert crossed(np.ones((3, 9))) is None


def test_it_covers_the_accuracy_behind_seeds_and_images():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(60):
        skill = rng.normal(0.7, 0.03, (12, 1)) + rng.normal(0, 0.1, (1, 60))
        low, high = crossed(rng.random((12, 60)) < skill)
        hits += low <= 0.7 <= high
    assert hits / 60 > 0.95 - 3 * (0.95 * 0.05 / 60) ** 0.5
