"""Alpha spending, against published values and by simulation of a study that looks again and again."""

import numpy as np
import pytest
from assay.claims.job import decide
from assay.claims.language import parse
from assay.claims.looks import level, spent


def test_the_spending_function_has_its_published_values():
    # DeMets and Lan 1994, doi:10.1002/sim.4780131308: five equal looks, two-sided 0.05, twice 0.025 to one side.
    published = [0.00000, 0.00079, 0.00762, 0.02442, 0.05000]
    assert [2 * spent(0.025, share / 5) for share in range(1, 6)] == pytest.approx(published, abs=6e-6)


def test_looks_share_alpha():
    looks = [5, 8, 12, 20]
    assert sum(level(0.05, looks, seeds) for seeds in looks) == pytest.approx(0.05)
    assert level(0.05, [10], 10) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="not in"):
        level(0.05, looks, 6)


def test_adding_seeds_until_it_works_fools_nobody():
    looks, runs, alpha = [5, 7, 9, 11], 300, 0.05
    rng = np.random.default_rng(8)
    claim = [{"tree": parse("b.m > a.m"), "alpha": alpha, "primary": True}]
    fooled = {True: 0, False: 0}
    for _ in range(runs):
        values = {"a": rng.normal(0, 1, 11), "b": rng.normal(0, 1, 11)}
        for declared in fooled:
            fooled[declared] += any(
                decide(
                    {"claims": claim, "seeds": list(range(n)), **({"looks": looks} if declared else {})},
                    lambda arm, metric, keys: dict(enumerate(values[arm])),  # noqa: ARG005, B023
                )[0]["verdict"] == "supported"
                for n in looks
            )  # fmt: skip
    error = 3 * (alpha * (1 - alpha) / runs) ** 0.5
    assert fooled[True] / runs <= alpha + error
    assert fooled[False] / runs > alpha + error  # what would happen without
