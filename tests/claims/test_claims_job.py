"""Verdicts: what is decided, on which side, and what keeps a claim from being decided."""

import json

import numpy as np
import pytest
from assay.claims.job import decide
from assay.claims.language import parse
from scipy.stats import ttest_rel
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

BASE = np.array([0.80, 0.82, 0.79, 0.83, 0.81])
BETTER = BASE + np.array([0.10, 0.09, 0.11, 0.10, 0.12])
SAME = BASE + np.array([0.001, -0.001, 0.0005, 0.0, -0.0005])
NOISY = BASE + np.array([0.10, -0.09, 0.05, -0.02, 0.01])


def verdicts(texts, alpha=0.05, seeds=None, **arms):
    """The verdicts of claims over `ARM.m`, with the values of each arm given by seed."""
    seeds = seeds or list(range(max(len(values) for values in arms.values())))

    def values(arm, metric, keys):
        given = arms[arm] if metric == "m" else arms[f"{arm}_{metric}"]
        return {seed: None if value is None else float(value) for seed, value in zip(seeds, given, strict=False)}

    claims = [{"tree": parse(text), "alpha": alpha, "primary": True} for text in texts]
    return decide({"claims": claims, "seeds": seeds}, values)


def verdict(text, **arms):
    return verdicts([text], **arms)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b.m > a.m", "supported"),
        ("a.m < b.m", "supported"),
        ("b.m < a.m", "refuted"),
        ("b.m > a.m by 0.05", "supported"),
        ("a.m < b.m by 0.05", "supported"),
        ("b.m > a.m by 0.2", "refuted"),
        ("b.m > a.m by 0.104", "inconclusive"),
        ("c.m > a.m", "inconclusive"),
        ("c.m >= a.m - 0.01", "supported"),
        ("c.m <= a.m + 0.01", "supported"),
        ("c.m ~ a.m within 0.01", "supported"),
        ("c.m ~ a.m within 0.0005", "inconclusive"),
        ("b.m ~ a.m within 0.01", "refuted"),
        ("a.m ~ b.m within 0.01", "refuted"),
        ("d.m ~ a.m within 0.01", "inconclusive"),
        ("a.m > 0.7", "supported"),
        ("a.m > 0.9", "refuted"),
        ("0.7 < a.m", "supported"),
        ("a.m ~ 0.81 within 0.05", "supported"),
        ("b.m - a.m > c.m - a.m", "supported"),
        ("2 * a.m > b.m", "supported"),
    ],
)
def test_the_verdict_lies_where_the_interval_lies(text, expected):
    found = verdict(text, a=BASE, b=BETTER, c=SAME, d=NOISY)
    assert found["verdict"] == expected
    low, high = found["interval"]
    if "~" in text:
        sides = (
            -found["boundary"] < low and high < found["boundary"],
            low > found["boundary"] or high < -found["boundary"],
        )
    else:
        above, below = low > found["boundary"], high < found["boundary"]
        sides = (below, above) if "<" in text else (above, below)
    assert sides == (expected == "supported", expected == "refuted")


def test_numbers_agree_with_scipy_and_statsmodels():
    found = verdict("b.m > a.m", a=BASE, b=BETTER)
    assert found["p_holm"] == 1 / 32  # five seeds show no more, whatever the t test says
    assert found["p"] == pytest.approx(ttest_rel(BETTER, BASE, alternative="greater").pvalue)
    assert found["interval"] == pytest.approx(DescrStatsW(BETTER - BASE).tconfint_mean(alpha=0.10))
    assert found["level"] == pytest.approx(0.90)
    assert found["test"] == "paired t"
    assert found["effect"] == pytest.approx(0.104)
    assert found["p_sign_flip"] == pytest.approx(1 / 32)


def test_equivalence_agrees_with_statsmodels():
    found = verdict("c.m ~ a.m within 0.002", a=BASE, c=SAME)
    assert found["p"] == pytest.approx(ttost_paired(SAME, BASE, -0.002, 0.002)[0])
    assert found["test"] == "two one-sided tests (paired t)"


def test_pairing_by_seed_is_used():
    shuffled = BETTER[[1, 0, 3, 2, 4]] - 0.09
    paired = BETTER - 0.09
    assert verdict("b.m > a.m", a=BASE, b=paired)["verdict"] == "supported"
    assert verdict("b.m > a.m", a=BASE, b=shuffled)["verdict"] == "inconclusive"


def test_several_claims_are_corrected_together():
    rng = np.random.default_rng(3)
    weak = BASE + np.array([0.02, 0.03, 0.005, 0.03, 0.01])
    assert verdict("w.m > a.m", a=BASE, w=weak)["verdict"] == "supported"
    noise = {f"n{k}": BASE + rng.normal(0, 0.05, 5) for k in range(5)}
    found = verdicts(["w.m > a.m", *(f"{name}.m > a.m" for name in noise)], a=BASE, w=weak, **noise)
    assert found[0]["p_holm"] == pytest.approx(6 / 32)
    found = verdicts(
        ["w.m > a.m", *(f"{name}.m > a.m" for name in noise)],
        a=[*BASE, *BASE], w=[*weak, *weak], **{name: [*values, *values] for name, values in noise.items()},
    )  # fmt: skip
    assert found[0]["p_holm"] == pytest.approx(6 * max(found[0]["p"], 2**-10))
    found = verdicts(["w.m > a.m", *(f"{name}.m > a.m" for name in noise)], a=BASE, w=weak, **noise)
    assert found[0]["verdict"] == "inconclusive"
    assert found[0]["interval"][0] < 0


def test_a_missing_seed_is_never_supported_and_is_named():
    found = verdict("b.m > a.m", a=BASE, b=[*BETTER[:3], None, float("nan")])
    assert found["verdict"] == "inconclusive"
    assert found["missing"] == ["b.m (seed 3)", "b.m (seed 4)"]
    assert "b.m (seed 3)" in found["note"]
    assert (found["n"], found["p"], found["right"][3], found["left"][3]) == (3, None, pytest.approx(0.83), None)


def test_a_failed_arm_leaves_a_verdict_without_numbers():
    found = verdict("b.m > a.m", a=BASE, b=[None] * 5)
    assert (found["verdict"], found["n"], found["effect"], found["interval"]) == ("inconclusive", 0, None, None)


def test_a_missing_claim_still_counts_in_the_correction():
    found = verdicts(["b.m > a.m", "f.m > a.m"], a=BASE, b=BETTER, f=[None] * 5)
    assert found[0]["p_holm"] == pytest.approx(2 / 32)


def test_one_seed_decides_nothing():
    found = verdict("b.m > a.m", a=[0.1], b=[0.9])
    assert found["verdict"] == "inconclusive"
    assert "at least two" in found["note"]


def test_counts_need_no_test():
    counts = {"a_parameters": [1000], "b_parameters": [400]}
    found = verdict("b.parameters <= 0.4 * a.parameters", **counts)
    assert (found["verdict"], found["test"], found["p"]) == ("supported", "exact", None)
    assert verdict("b.parameters < 0.4 * a.parameters", **counts)["verdict"] == "refuted"
    assert verdict("b.parameters ~ 0.3 * a.parameters within 100", **counts)["verdict"] == "supported"
    assert verdict("b.parameters ~ 0.3 * a.parameters within 99", **counts)["verdict"] == "refuted"


def test_counts_that_seeds_change_are_tested():
    found = verdict("b.parameters < a.parameters", a_parameters=[10.0, 11.0, 12.0], b_parameters=[9.0, 12.0, 12.0])
    assert (found["verdict"], found["test"]) == ("inconclusive", "paired t")


def test_counts_take_no_part_in_the_correction():
    found = verdicts(["b.m > a.m", "a.parameters > 1"], a=BASE, b=BETTER, a_parameters=[1] * 5)
    assert found[1]["verdict"] == "refuted"
    assert found[0]["p_holm"] == 1 / 32


@pytest.mark.parametrize(
    ("n", "expected", "needed"), [(3, "inconclusive", 5), (4, "inconclusive", 5), (5, "supported", None)]
)
def test_equal_differences_count_for_no_more_than_their_number(n, expected, needed):
    # 0.1 + 0.2 != 0.3 in floating point; such a difference of differences is no spread.
    found = verdict("b.m > a.m", a=[0.1, 0.7, 0.2, 0.1, 0.3][:n], b=[0.3, 0.9, 0.4, 0.3, 0.5][:n])
    assert (found["verdict"], found["interval"], found["test"]) == (expected, None, "sign flip")
    assert found["p"] == pytest.approx(2.0**-n)
    assert found["seeds_needed"] == needed
    assert "same difference" in found["note"]


@pytest.mark.parametrize("text", ["b.m > a.m", "b.m >= a.m", "b.m < a.m", "b.m > a.m - 0", "b.m + 0.1 > a.m by 0.1"])
def test_no_difference_at_all_is_inconclusive(text):
    found = verdict(text, a=BASE, b=BASE.copy())
    assert (found["verdict"], found["seeds_needed"]) == ("inconclusive", None)


def test_identical_arms_are_equivalent():
    assert verdict("b.m ~ a.m within 0.01", a=BASE, b=BASE.copy())["verdict"] == "supported"


def test_seeds_needed_for_an_inconclusive_claim():
    found = verdict("d.m > a.m", a=BASE, d=NOISY)
    effect = (NOISY - BASE).mean() / (NOISY - BASE).std(ddof=1)
    assert found["seeds_needed"] == np.ceil(
        TTestPower().solve_power(effect, alpha=0.05, power=0.8, alternative="larger")
    )
    assert str(found["seeds_needed"]) in found["note"]
    away = verdict("d.m < a.m", a=BASE, d=NOISY)
    assert away["seeds_needed"] == found["seeds_needed"]


def test_seeds_are_paired_by_their_number_and_in_the_order_of_the_study():
    found = verdict("b.m > a.m", seeds=[7, 3, 5, 1, 9], a=BASE, b=BETTER)
    assert found["seeds"] == [7, 3, 5, 1, 9]
    assert found["left"] == pytest.approx(list(BETTER))


def test_verdicts_are_plain_json():
    found = verdicts(["b.m > a.m", "f.m > a.m", "c.m ~ a.m within 0.1"], a=BASE, b=BETTER, c=SAME, f=[None] * 5)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_study_without_claims():
    assert verdicts([], a=BASE) == []
