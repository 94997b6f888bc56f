"""Holm's correction, against statsmodels, and its match with intervals."""

import pytest
from assay.claims.holm import holm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

ps = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.025, 0.05]), min_size=1, max_size=8)


@given(ps)
def test_it_agrees_with_statsmodels(p):
    assert [corrected.p for corrected in holm(p, [0.05] * len(p))] == pytest.approx(multipletests(p, method="holm")[1])


@given(ps, st.lists(st.sampled_from([0.01, 0.05, 0.2]), min_size=8, max_size=8))
def test_a_test_rejects_exactly_when_its_own_p_reaches_its_level(p, alpha):
    for value, level, corrected in zip(p, alpha, holm(p, alpha[: len(p)]), strict=False):
        # Products of the same numbers in another order may differ in the last digit.
        if abs(value * corrected.divisor - level) > 1e-12 and abs(corrected.p - level) > 1e-12:
            assert (corrected.p <= level) == (value <= level / corrected.divisor)


def test_an_example_by_hand():
    assert [tuple(c) for c in holm([0.03, 0.001, 0.04], [0.05] * 3)] == [(0.06, 2), (0.003, 3), (0.06, 2)]


def test_no_tests():
    assert holm([], []) == []
