"""Intervals of means over seeds cover as they promise."""

import numpy as np
import pytest
from assay.claims.interval import mean_interval
from assay.statistics.interval import BCA, T, bca, expanded, interval
from scipy.stats import norm, t

#: R's `t.test(extra ~ group, data = sleep, paired = TRUE)`: mean -1.58, 95% interval -2.4598858 to -0.7001142.
SLEEP = [-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4]

TRIALS = 1500


def test_fewer_than_ten_seeds_have_the_t_interval():
    found = interval(SLEEP[:9])
    assert found.kind == T
    assert found[:3] == mean_interval(SLEEP[:9])


def test_ten_seeds_have_the_bootstrap_and_it_leans_to_the_long_tail():
    found = interval(SLEEP)
    assert found.kind == BCA
    assert found.mean == pytest.approx(-1.58)
    # -4.6 is the long tail, so the interval reaches further down than Student's, and less far up.
    assert found.low < -2.4598858
    assert -1.0 < found.high < -0.7001142 + 0.05
    assert interval(SLEEP) == interval(list(SLEEP))


def test_no_interval_without_spread():
    assert interval([]) is None
    assert interval([0.5]) == (0.5, None, None, None)
    assert interval([0.5] * 12) == (0.5, None, None, None)


def test_the_raised_level_is_that_of_t_in_standard_deviations_of_the_sample():
    n = 10
    half = norm.ppf((1 + expanded(0.95, n)) / 2) * np.sqrt((n - 1) / n)
    assert half == pytest.approx(t.ppf(0.975, n - 1))
    assert expanded(0.95, 100_000) == pytest.approx(0.95, abs=1e-4)


def covered(low: np.ndarray, high: np.ndarray, mean: float) -> float:
    return float(((low <= mean) & (mean <= high)).mean())


@pytest.mark.parametrize("n", [10, 20])
def test_the_bootstrap_covers_the_mean_of_normal_values_as_nominal(n):
    values = np.random.default_rng(n).normal(3.0, 2.0, (TRIALS, n))
    error = (0.95 * 0.05 / TRIALS) ** 0.5
    # Three Monte-Carlo errors, and a hundredth since the bootstrap is only approximate; without the raised level it
    # covers 0.90 of the means of 10.
    assert abs(covered(*bca(values, resamples=999), 3.0) - 0.95) < 3 * error + 0.01


@pytest.mark.parametrize("n", [3, 5, 9])
def test_t_covers_the_mean_of_normal_values_as_nominal(n):
    values = np.random.default_rng(n).normal(3.0, 2.0, (TRIALS, n))
    ends = np.array([interval(row)[1:3] for row in values])
    assert abs(covered(*ends.T, 3.0) - 0.95) < 3 * (0.95 * 0.05 / TRIALS) ** 0.5


def test_of_skewed_values_the_bootstrap_covers_no_less_than_t_and_misses_more_evenly():
    values = np.random.default_rng(0).exponential(1.0, (TRIALS, 15))
    low, high = bca(values, resamples=999)
    plain = np.array([mean_interval(row)[1:] for row in values])
    assert covered(low, high, 1.0) >= covered(*plain.T, 1.0)
    assert (high < 1.0).mean() < (plain[:, 1] < 1.0).mean()
