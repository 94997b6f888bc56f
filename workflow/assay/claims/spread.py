"""Claims over the standard deviation of a metric from seed to seed: of two arms, or of one and a number.

Two arms that share seeds are compared by Pitman's and Morgan's test (Pitman 1939, doi:10.1093/biomet/31.1-2.9; Morgan
1939, doi:10.1093/biomet/31.1-2.13): their standard deviations are equal when their sum and their difference do not go
together. One arm is compared with a number by the chi-square test. Both take values to be normal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import chdtr, chdtrc, chdtri, stdtr, stdtrit

from assay.claims.floor import floor
from assay.claims.sides import Sides


@dataclass(frozen=True)
class Spread:
    """`sd(a.m) < sd(b.m)`; either side may be multiplied by a number, and one side may be a number."""

    tree: dict[str, Any]
    sides: Sides

    is_count = False
    is_equivalence = False
    boundary = 0.0

    @property
    def missing(self) -> list[str]:
        """The metrics without a value."""
        return self.sides.missing

    @cached_property
    def values(self) -> np.ndarray:
        """Both sides of each seed that has them, float64 [n,2]; a number is the same for all."""
        both = zip(self.sides.left, self.sides.right, strict=True)
        return np.array([pair for pair in both if None not in pair], dtype=np.float64).reshape(-1, 2)

    @property
    def n(self) -> int:
        """Seeds that have both sides."""
        return len(self.values)

    @cached_property
    def spreads(self) -> tuple[float, float]:
        """The standard deviations of both sides; a number stands for itself."""
        sds = self.values.std(axis=0, ddof=1) if self.n > 1 else (math.nan, math.nan)
        return tuple(
            float(self.values[0, column]) if self._number(side) else float(sds[column])
            for column, side in enumerate(("left", "right"))
        )  # type: ignore[return-value]

    @property
    def effect(self) -> float | None:
        """By what share the left standard deviation is larger than the right one."""
        return None if self.n < 2 or self.spreads[1] <= 0 else self.spreads[0] / self.spreads[1] - 1

    @property
    def sd(self) -> None:
        """There is none of a single difference."""

    @property
    def test(self) -> str:
        """The name of the test."""
        return "chi-square of the variance" if self._number("left") or self._number("right") else "Pitman-Morgan"

    @cached_property
    def p(self) -> float:
        """p of the null that the claim is false; 1 where seeds are missing or too few."""
        return self._p(1 if self.tree["op"][0] == ">" else -1)

    @cached_property
    def p_against(self) -> float:
        """p of the null that the claim is true."""
        return self._p(-1 if self.tree["op"][0] == ">" else 1)

    p_sign_flip = None

    @property
    def counted(self) -> float:
        """`p`, no smaller than so many seeds can show."""
        return max(self.p, floor(self.n))

    @property
    def counted_against(self) -> float:
        """`p_against`, no smaller than so many seeds can show."""
        return max(self.p_against, floor(self.n))

    def holds(self) -> bool:
        """Whether the claim holds of the standard deviations taken as exact."""
        left, right = self.spreads
        return left > right if self.tree["op"][0] == ">" else left < right

    def bounds(self, support: float, refutation: float) -> tuple[float, float] | None:
        """The interval of `effect`, from one-sided levels.

        The end that must be beyond 0 for support is at level `support`, the other at `refutation`.
        """
        if self._p(1) == 1 == self._p(-1):
            return None
        below, above = (support, refutation) if self.tree["op"][0] == ">" else (refutation, support)
        left, right = self.spreads
        ratio = (left / right) ** 2
        if self._number("right") or self._number("left"):
            freedom = self.n - 1
            low, high = freedom / chdtri(freedom, below), freedom / chdtri(freedom, 1 - above)
            if self._number("left"):
                low, high = 1 / (freedom / chdtri(freedom, 1 - below)), 1 / (freedom / chdtri(freedom, above))
            return math.sqrt(ratio * low) - 1, math.sqrt(ratio * high) - 1
        together = float(np.corrcoef(self.values.T)[0, 1])
        ends = []
        for level, sign in ((below, -1), (above, 1)):
            wide = 1 + 2 * (1 - together**2) * float(stdtrit(self.n - 2, 1 - level)) ** 2 / (self.n - 2)
            ends.append(math.sqrt(ratio * (wide + sign * math.sqrt(wide**2 - 1))) - 1)
        return ends[0], ends[1]

    def seeds_needed(self, support: float, refutation: float) -> None:
        """Not foretold: the spread of a spread is not known from a few seeds."""

    def _p(self, sign: int) -> float:
        """p of the null that the left side, times the sign, is not the larger one."""
        if self.missing or self.n < 3 or min(self.spreads) <= 0:
            return 1.0
        left, right = self.spreads
        if self._number("right"):
            return float((chdtrc if sign > 0 else chdtr)(self.n - 1, (self.n - 1) * (left / right) ** 2))
        if self._number("left"):
            return float((chdtr if sign > 0 else chdtrc)(self.n - 1, (self.n - 1) * (right / left) ** 2))
        total, difference = self.values.sum(axis=1), self.values[:, 0] - self.values[:, 1]
        if np.ptp(total) == 0 or np.ptp(difference) == 0:
            return 1.0
        r = float(np.corrcoef(total, difference)[0, 1])
        t = r * math.sqrt((self.n - 2) / max(1 - r * r, 1e-300))
        return float(stdtr(self.n - 2, -sign * t))

    def _number(self, side: str) -> bool:
        return "number" in self.tree[side]
