"""Which arm of a column is the best beyond doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from assay.claims.comparison import COUNTS, ROUNDING
from assay.claims.floor import floor
from assay.claims.holm import holm
from assay.claims.one_sided import t_test


def best(
    values: Mapping[str, Mapping[int, float]], seeds: Sequence[int], better: str, alpha: float = 0.05, name: str = ""
) -> str | None:
    """The arm whose mean is better than that of every other arm, each by a paired t test, Holm over these tests.

    The tests are two-sided since the numbers chose which arm to test, and no p counts for less than so many seeds can
    show. An arm that lacks a seed leaves the column without a best one.

    Args:
        values: arm to seed to value.
        seeds: those that every arm should have.
        better: "higher" or "lower"; anything else has no best arm.
        alpha: level of all tests together.
        name: of the metric; one that counts what is declared leaves nothing to chance where seeds agree.

    Returns:
        None where no arm is, or there is no other.
    """
    if better not in ("higher", "lower") or len(values) < 2 or any(set(one) != set(seeds) for one in values.values()):
        return None
    sign = 1 if better == "higher" else -1
    table = {arm: sign * np.array([found[seed] for seed in seeds]) for arm, found in values.items()}
    first = max(table, key=lambda arm: float(table[arm].mean()))
    counted = name in COUNTS and all(np.ptp(one) == 0 for one in table.values())
    p = [two_sided(table[first] - other, counted, _rounding(table[first], other)) for arm, other in table.items()
         if arm != first]  # fmt: skip
    return first if all(one.p <= alpha for one in holm(p, [alpha] * len(p))) else None


def two_sided(differences: np.ndarray, counted: bool = False, rounding: float = 0.0) -> float:
    """p that the mean of paired differences, one a seed, is 0.

    Of `counted` differences, which are exact, 1 or 0. Differences within `rounding` of each other are equal.
    """
    if np.ptp(differences) <= rounding:
        differences = np.full_like(differences, differences.mean())
    if np.abs(differences).max() <= rounding:
        return 1.0
    if counted:
        return 0.0
    if len(differences) < 2:
        return 1.0
    smallest = min(t_test(differences), t_test(-differences))
    return min(1.0, 2 * max(smallest, floor(len(differences))))


def _rounding(first: np.ndarray, second: np.ndarray) -> float:
    return ROUNDING * float(max(np.abs(first).max(), np.abs(second).max()))
