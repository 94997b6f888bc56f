"""Effect sizes against R's sleep data and the mean of the non-central t distribution."""

import pytest
from assay.statistics.effect import correction, hedges
from scipy.stats import nct

SLEEP = [-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4]


def test_sleep():
    # R: t = -4.0621 with 9 degrees of freedom, so d_z = t / sqrt(10) = -1.28456; J(9) = 0.9139.
    assert hedges(SLEEP) == pytest.approx(-1.28456 * 0.91387, abs=2e-4)


@pytest.mark.parametrize("n", [3, 5, 10, 200])
def test_the_correction_makes_the_mean_right(n):
    # d_z = t / sqrt(n), and t of differences with effect 0.7 is non-central.
    expected_d = nct.mean(n - 1, 0.7 * n**0.5) / n**0.5
    assert correction(n - 1) * expected_d == pytest.approx(0.7)


def test_none_where_it_has_no_value():
    assert hedges([0.1, 0.2]) is None
    assert hedges([0.1, 0.1, 0.1]) is None
    assert hedges([0.0, 0.0, 0.0]) is None
