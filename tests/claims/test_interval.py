"""Means with intervals, as tables show them."""

import numpy as np
import pytest
from assay.claims.interval import mean_interval
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

values = st.lists(st.floats(-100, 100), min_size=2, max_size=12).filter(lambda v: np.std(v) > 1e-3)


@given(values, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_it_agrees_with_statsmodels(sample, level):
    expected = DescrStatsW(np.array(sample)).tconfint_mean(alpha=1 - level)
    found = mean_interval(sample, level)
    assert found == pytest.approx((np.mean(sample), *expected), rel=1e-6, abs=1e-9)


def test_two_values_by_hand():
    # t(0.975, 1) = tan(0.475 pi) = 12.7062; the standard error of (0, 2) is 1.
    assert mean_interval([0.0, 2.0]) == pytest.approx((1.0, 1 - 12.7062, 1 + 12.7062), abs=1e-4)


def test_no_interval_without_spread():
    assert mean_interval([]) is None
    assert mean_interval([0.5]) == (0.5, None, None)
    assert mean_interval([0.5, 0.5, 0.5]) == (0.5, None, None)
