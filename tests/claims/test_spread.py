"""Standard deviations over seeds: tests and intervals against closed forms, other libraries and simulation."""

import numpy as np
import pytest
from assay.claims.job import decide
from assay.claims.language import parse
from scipy import stats

RNG = np.random.default_rng(1)
COMMON = RNG.normal(0, 1, 12)
ARMS = {"a": COMMON + RNG.normal(0, 1, 12), "b": COMMON + RNG.normal(0, 4, 12)}


def judged(text, arms=ARMS, alpha=0.05):
    seeds = list(range(len(next(iter(arms.values())))))
    claim = {"tree": {**parse(text)}, "alpha": alpha, "primary": True}
    return decide({"claims": [claim], "seeds": seeds}, lambda arm, metric, keys: dict(enumerate(arms[arm])))[0]  # noqa: ARG005


def test_pitman_and_morgan_test_the_correlation_of_sum_and_difference():
    found = judged("sd(a.m) < sd(b.m)")
    a, b = ARMS["a"], ARMS["b"]
    assert found["p"] == pytest.approx(stats.pearsonr(a + b, a - b, alternative="less").pvalue)
    assert found["effect"] == pytest.approx(a.std(ddof=1) / b.std(ddof=1) - 1)
    assert (found["verdict"], found["test"]) == ("supported", "Pitman-Morgan")
    assert judged("sd(a.m) > sd(b.m)")["verdict"] == "refuted"


def test_the_ends_of_the_interval_are_where_the_test_turns():
    low, high = judged("sd(a.m) < sd(b.m)")["interval"]
    for end, tail in ((low, "greater"), (high, "less")):
        scaled = (1 + end) * ARMS["b"]
        p = stats.pearsonr(ARMS["a"] + scaled, ARMS["a"] - scaled, alternative=tail).pvalue
        assert p == pytest.approx(0.05)


def test_one_arm_and_a_number_by_chi_square():
    found = judged("sd(a.m) < 5")
    assert found["p"] == pytest.approx(stats.chi2.cdf(11 * ARMS["a"].var(ddof=1) / 25, 11))
    assert found["verdict"] == "supported"
    assert judged("5 > sd(a.m)")["p"] == pytest.approx(found["p"])
    assert judged("sd(a.m) > 5")["verdict"] == "refuted"
    low, high = ((1 + end) * 5 for end in found["interval"])
    squares = 11 * ARMS["a"].var(ddof=1)
    assert (low**2, high**2) == pytest.approx((squares / stats.chi2.ppf(0.95, 11), squares / stats.chi2.ppf(0.05, 11)))


def test_a_factor_scales_a_side():
    assert judged("2 * sd(a.m) < sd(b.m)")["effect"] == pytest.approx(
        2 * (1 + judged("sd(a.m) < sd(b.m)")["effect"]) - 1
    )
    assert judged("100 * sd(a.m) < sd(b.m)")["verdict"] == "refuted"


def test_at_equal_spreads_the_rate_is_nominal():
    rng, runs = np.random.default_rng(4), 600
    wrong = 0
    for _ in range(runs):
        common = rng.normal(0, 2, 8)
        arms = {"a": common + rng.normal(0, 1, 8), "b": common + rng.normal(0, 1, 8)}
        wrong += judged("sd(a.m) < sd(b.m)", arms)["verdict"] == "supported"
    assert wrong / runs == pytest.approx(0.05, abs=3 * (0.05 * 0.95 / runs) ** 0.5)


@pytest.mark.parametrize("arms", [{"a": [1.0] * 6, "b": [2.0, 3, 1, 4, 2, 2]}, {"a": [1.0, None, 2], "b": [2.0, 3, 1]}])
def test_no_spread_or_a_missing_seed_decides_nothing(arms):
    assert judged("sd(a.m) < sd(b.m)", arms)["verdict"] == "inconclusive"
