"""The best arm of a column is only named where the numbers bear it."""

import numpy as np
import pytest
from assay.statistics.best import best, two_sided

SLEEP = np.array([-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4])


def column(*rows: list[float]) -> dict[str, dict[int, float]]:
    return {"abcdef"[place]: dict(enumerate(row)) for place, row in enumerate(rows)}


def test_the_test_is_that_of_r():
    assert two_sided(SLEEP) == pytest.approx(0.002833, abs=1e-6)
    assert two_sided(-SLEEP) == two_sided(SLEEP)


def test_a_difference_larger_than_its_spread_is_told_either_way():
    rng = np.random.default_rng(0)
    low = rng.normal(0.5, 0.1, 8)
    high = low + 0.05 + rng.normal(0, 0.005, 8)
    values = column(list(low), list(high))
    assert best(values, range(8), "higher") == "b"
    assert best(values, range(8), "lower") == "a"
    assert best(values, range(8), "") is None


def test_seeds_too_few_for_the_level_show_nothing():
    # With five, no two-sided p is below 2 / 2^5 = 0.0625, however clear; six suffice for one comparison, not for two.
    clear = [[0.1 + 0.001 * seed for seed in range(6)], [0.9 - 0.001 * seed for seed in range(6)]]
    assert best(column(*[row[:5] for row in clear]), range(5), "higher") is None
    assert best(column(*clear), range(6), "higher") == "b"
    assert best(column(*clear, [0.2 + 0.001 * seed**2 for seed in range(6)]), range(6), "higher") is None


def test_holm_asks_more_of_the_best_where_there_are_more_arms():
    # SLEEP against 0 has p = 0.002833: enough beside one arm, too little beside 20 of them (0.0567).
    drug = list(-SLEEP)
    assert best(column(drug, [0.0] * 10), range(10), "higher") == "a"
    many = {"a": dict(enumerate(drug)), **{f"zero-{place}": dict.fromkeys(range(10), 0.0) for place in range(20)}}
    assert best(many, range(10), "higher") is None


def test_an_arm_that_lacks_a_seed_leaves_the_column_without_a_best_one():
    values = column([0.1 + 0.001 * seed for seed in range(8)], [0.9 - 0.001 * seed for seed in range(8)])
    assert best(values, range(8), "higher") == "b"
    del values["a"][3]
    assert best(values, range(8), "higher") is None


def test_counts_leave_nothing_to_chance():
    values = column([10.0, 10.0], [20.0, 20.0])
    assert best(values, range(2), "lower", name="parameters") == "a"
    assert best(values, range(2), "lower", name="accuracy") is None
    assert best(column([10.0, 10.0], [10.0, 10.0]), range(2), "lower", name="parameters") is None


@pytest.mark.parametrize("arms", [2, 4])
def test_where_all_arms_are_alike_a_best_one_is_rare(arms):
    rng = np.random.default_rng(arms)
    trials = 400
    named = sum(
        best({str(arm): dict(enumerate(rng.normal(size=8))) for arm in range(arms)}, range(8), "higher") is not None
        for _ in range(trials)
    )
    assert named / trials <= 0.05 + 3 * (0.05 * 0.95 / trials) ** 0.5
