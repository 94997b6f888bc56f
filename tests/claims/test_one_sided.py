"""One-sided tests over seeds."""

import numpy as np
import pytest
from assay.claims.one_sided import sign_flip, t_test
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=2, max_size=8))
def test_t_agrees_with_the_paired_test(pairs):
    left, right = np.array(pairs).T
    if np.std(left - right) > 1e-3:
        expected = ttest_rel(left, right, alternative="greater").pvalue
        assert t_test(left - right) == pytest.approx(expected, rel=1e-6)


def test_darwins_plants():
    # Fisher 1935, The Design of Experiments, sections 17 and 21: differences in eighths of an inch between crossed and
    # self-fertilised plants; two-sided p 0.0497 by t, 0.05267 (1726 of 32768 patterns) by sign flips.
    eighths = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], dtype=float)
    assert 2 * t_test(eighths) == pytest.approx(0.0497, abs=5e-5)
    assert 2 * sign_flip(eighths) == pytest.approx(1726 / 32768)


@pytest.mark.parametrize("n", [2, 5, 7])
def test_equal_values_count_for_no_more_than_their_number(n):
    assert t_test(np.full(n, 0.01)) == pytest.approx(2.0**-n)
    assert t_test(np.full(n, -0.01)) == 1.0
    assert t_test(np.zeros(n)) == 1.0


def test_many_values_are_flipped_at_random_but_always_the_same():
    values = np.random.default_rng(0).normal(0.3, 1, 40)
    assert sign_flip(values) == sign_flip(values)
    assert sign_flip(values) == pytest.approx(t_test(values), abs=0.01)
