"""Holm's correction for several tests at once (Holm 1979, Scandinavian Journal of Statistics 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Corrected(NamedTuple):
    """A corrected p value, and the number by which the level of the test's interval is divided."""

    p: float
    divisor: int


def holm(p: Sequence[float], alpha: Sequence[float]) -> list[Corrected]:
    """Correct p values for their number, so that any false rejection has a probability of at most the largest alpha.

    From the smallest up, the m values are multiplied by m, m - 1, ..., 1 and never fall. A test rejects when its
    corrected value is at most its alpha, and then, and only then, is its own p at most `alpha / divisor`: the interval
    at that level tells the same as the corrected p.

    Args:
        p: p values, in any order.
        alpha: level of each.
    """
    order = sorted(range(len(p)), key=lambda index: p[index])
    corrected = [Corrected(1.0, len(p))] * len(p)
    steps: list[float] = []
    for rank, index in enumerate(order):
        steps.append((len(p) - rank) * p[index])
        highest = max(steps)
        # A test that does not reject stands where the first step failed at its level.
        stop = next((place for place, step in enumerate(steps) if step > alpha[index]), rank)
        corrected[index] = Corrected(min(1.0, highest), len(p) - stop)
    return corrected
