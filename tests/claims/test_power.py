"""Power: against statsmodels, tabulated values and simulation."""

import numpy as np
import pytest
from assay.claims.power import detectable, equivalence_power, seeds_needed, t_power
from statsmodels.stats.power import TTestPower


@pytest.mark.parametrize("effect", [0.0, 0.3, 1.0, 2.5])
@pytest.mark.parametrize("n", [2, 3, 5, 20])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 6])
def test_power_agrees_with_statsmodels(effect, n, alpha):
    expected = TTestPower().power(effect, n, alpha, alternative="larger")
    assert t_power(effect, n, alpha) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("n", "in_standard_deviations"), [(3, 3.3), (5, 1.7), (10, 1.0), (30, 0.53)])
def test_detectable_differences_are_the_tabulated_ones(n, in_standard_deviations):
    # Paired, two-sided 0.05, 80% power; to the digits with which such tables are printed.
    assert detectable(2.0, n) / 2.0 == pytest.approx(in_standard_deviations, abs=0.05)


@pytest.mark.parametrize("n", [2, 3, 7, 40])
@pytest.mark.parametrize("sides", [1, 2])
def test_what_is_detectable_has_the_power_that_was_asked_for(n, sides):
    found = detectable(1.0, n, alpha=0.02, power=0.9, sides=sides)
    assert TTestPower().power(found, n, 0.02 / sides, alternative="larger") == pytest.approx(0.9, abs=1e-6)


def test_nothing_is_detectable_without_spread():
    assert detectable(1.0, 1) is None
    assert detectable(0.0, 5) is None


@pytest.mark.parametrize(("effect", "margin", "n"), [(0.0, 1.0, 12), (0.5, 1.5, 8), (1.2, 1.0, 6), (0.0, 0.2, 5)])
def test_equivalence_power_agrees_with_simulation(effect, margin, n):
    draws = np.random.default_rng(1).normal(effect, 1.0, (40_000, n))
    from scipy.stats import ttest_1samp

    above = ttest_1samp(draws, -margin, axis=1, alternative="greater").pvalue
    below = ttest_1samp(draws, margin, axis=1, alternative="less").pvalue
    rate = np.mean(np.maximum(above, below) <= 0.05)
    assert equivalence_power(effect, margin, n, 0.05) == pytest.approx(rate, abs=4 * np.sqrt(0.25 / 40_000))


@pytest.mark.parametrize("effect", [0.2, 0.37, 0.5, 0.6, 1.0, 1.1189])
@pytest.mark.parametrize("parts", [1, 6, 8, 9, 10])
def test_seeds_needed_agree_with_statsmodels(effect, parts):
    expected = TTestPower().solve_power(effect, alpha=0.05 / parts, power=0.8, alternative="larger")
    assert seeds_needed(lambda n: t_power(effect, n, 0.05 / parts)) == np.ceil(expected)


@pytest.mark.parametrize("effect", [0.05, 0.6, 1.1189])
def test_power_is_a_number_and_grows_with_every_seed(effect):
    found = np.array([t_power(effect, n, 0.05 / 9) for n in range(2, 3000)])
    assert np.isfinite(found).all()
    assert (np.diff(found) > -1e-4).all()
    assert found[-1] > 0.4


def test_no_number_of_seeds_is_named_when_none_would_do():
    assert seeds_needed(lambda n: t_power(1e-6, n, 0.05)) is None
