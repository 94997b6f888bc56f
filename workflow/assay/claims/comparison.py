"""One claim against its numbers: p values for and against, bounds, and the seeds that would settle it.

For an order the differences `left - right` are compared with the margin; for an equivalence with both ends of the
tolerance. All tests are one-sided: a claim is either true or false, so a verdict can be wrong in one way only, and the
level of the test is the probability of that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy.special import stdtrit

from assay.claims.floor import fewest, floor
from assay.claims.one_sided import sign_flip, t_test
from assay.claims.power import equivalence_power, seeds_needed, t_power
from assay.claims.sides import Sides
from assay.claims.tree import metrics_in

#: Metrics that count what an arm declares. Where seeds agree on them there is nothing left to chance.
COUNTS = ("parameters", "nonzero-parameters", "flops", "nonzero-flops", "bytes", "disk-bytes")

#: Differences this small, relative to what is subtracted, are rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Comparison:
    """A claim's tree with the values of its two sides by seed."""

    tree: dict[str, Any]
    sides: Sides

    @cached_property
    def pairs(self) -> list[tuple[float, float]]:
        """Left and right of each seed that has both."""
        both = zip(self.sides.left, self.sides.right, strict=True)
        return [(left, right) for left, right in both if left is not None and right is not None]

    @cached_property
    def differences(self) -> np.ndarray:
        """`left - right` of each seed that has both, float64 [n]; those that differ by rounding alone are equal."""
        made = np.array([left - right for left, right in self.pairs], dtype=np.float64)
        return np.full_like(made, made.mean()) if len(made) and np.ptp(made) <= self._rounding else made

    @property
    def missing(self) -> list[str]:
        """The metrics without a value."""
        return self.sides.missing

    @property
    def n(self) -> int:
        """Seeds that have both sides."""
        return len(self.pairs)

    @property
    def effect(self) -> float | None:
        """The mean difference."""
        return float(self.differences.mean()) if self.n else None

    @property
    def sd(self) -> float | None:
        """The standard deviation of the differences."""
        return float(self.differences.std(ddof=1)) if self.n > 1 else None

    @property
    def is_count(self) -> bool:
        """Whether both sides count what is declared and no seed differs, so that chance has no part."""
        names = [leaf["metric"] for leaf in metrics_in(self.tree)]
        return all(name in COUNTS for name in names) and self.n > 0 and len(set(self.pairs)) == 1

    @property
    def is_constant(self) -> bool:
        """Whether every seed has the same difference."""
        return self.n > 0 and bool(np.ptp(self.differences) == 0)

    @property
    def is_equivalence(self) -> bool:
        """Whether the claim is `~ ... within`."""
        return bool(self.tree["op"] == "~")

    @property
    def test(self) -> str:
        """The name of the test."""
        if self.is_count:
            return "exact"
        one_sample = not (metrics_in(self.tree["left"]) and metrics_in(self.tree["right"]))
        name = "sign flip" if self.is_constant else "one-sample t" if one_sample else "paired t"
        return f"two one-sided tests ({name})" if self.is_equivalence else name

    @property
    def boundary(self) -> float:
        """What the difference is compared with: the signed margin of an order, the tolerance of an equivalence."""
        if self.is_equivalence:
            return float(self.tree["within"])
        return float(self.tree["by"]) * self._sign

    @cached_property
    def p(self) -> float:
        """p of the null that the claim is false; 1 where seeds are missing or fewer than two."""
        return 1.0 if self.missing or self.n < 2 else self._p(t_test)

    @cached_property
    def p_sign_flip(self) -> float:
        """As `p`, by the sign-flip test."""
        return 1.0 if self.missing or self.n < 2 else self._p(sign_flip)

    @cached_property
    def p_against(self) -> float:
        """p of the null that the claim is true; 1 where seeds are missing or fewer than two."""
        if self.missing or self.n < 2:
            return 1.0
        if self.is_equivalence:
            # The difference may lie beyond either end, so the smaller p counts twice (Bonferroni).
            return min(1.0, 2 * min(t_test(self._beyond(self.boundary)), t_test(-self._beyond(-self.boundary))))
        return t_test(-self._sign * self._beyond(self.boundary))

    @property
    def counted(self) -> float:
        """`p`, no smaller than so many seeds can show; of counts, 0 or 1."""
        return float(not self.holds()) if self.is_count else max(self.p, floor(self.n))

    @property
    def counted_against(self) -> float:
        """`p_against`, no smaller than so many seeds can show; of counts, 0 or 1."""
        return float(self.holds()) if self.is_count else max(self.p_against, floor(self.n))

    def holds(self) -> bool:
        """Whether the claim holds of the mean difference taken as exact."""
        beyond = float(self._beyond(self.boundary).mean())
        if self.is_equivalence:
            return beyond <= 0 <= float(self._beyond(-self.boundary).mean())
        return self._sign * beyond > 0 or (beyond == 0 and self.tree["op"] in ("<=", ">="))

    def bounds(self, support: float, refutation: float) -> tuple[float, float] | None:
        """The interval of the mean difference whose ends are one-sided bounds at the given levels.

        The end that must be beyond the margin for support is at level `support`, the other at `refutation`; both ends
        of an equivalence are at `support`. None where there is no spread to compute it from.
        """
        if self.n < 2 or self.is_constant:
            return None
        below, above = (support, refutation) if self._sign > 0 else (refutation, support)
        if self.is_equivalence:
            below = above = support
        mean, error = float(self.differences.mean()), float(self.differences.std(ddof=1)) / math.sqrt(self.n)
        return (
            mean - float(stdtrit(self.n - 1, 1 - below)) * error,
            mean + float(stdtrit(self.n - 1, 1 - above)) * error,
        )

    def seeds_needed(self, support: float, refutation: float) -> int | None:
        """Seeds, these included, at which tests at the given levels settle the claim with 80% power.

        That is, were the differences to go on with the mean and the standard deviation seen so far. None when they lie
        on the boundary, or when no sensible number would do.
        """
        if self.n < 2:
            return None
        beyond = self._sign * float(self._beyond(self.boundary).mean())
        if self.is_equivalence:
            beyond = self.boundary - abs(float(self.differences.mean()))
        if abs(beyond) <= self._rounding:
            return None
        level = support if beyond > 0 else refutation
        if self.is_constant:
            return max(self.n + 1, fewest(level))
        sd = float(self.differences.std(ddof=1))
        power = partial(t_power, abs(beyond) / sd, alpha=level)
        if self.is_equivalence and beyond > 0:
            power = partial(equivalence_power, float(self.differences.mean()) / sd, self.boundary / sd, alpha=level)
        elif self.is_equivalence:
            power = partial(t_power, -beyond / sd, alpha=level / 2)
        needed = seeds_needed(power)
        return None if needed is None else max(self.n + 1, needed, fewest(level))

    def _p(self, test: Callable[[np.ndarray], float]) -> float:
        if self.is_equivalence:
            return max(test(self._beyond(-self.boundary)), test(-self._beyond(self.boundary)))
        return test(self._sign * self._beyond(self.boundary))

    @property
    def _sign(self) -> int:
        return -1 if self.tree["op"] in ("<", "<=") else 1

    @cached_property
    def _rounding(self) -> float:
        return ROUNDING * max((abs(value) for pair in self.pairs for value in pair), default=0.0)

    def _beyond(self, boundary: float) -> np.ndarray:
        """How far each difference lies above a boundary, 0 where it is there but for rounding."""
        made: np.ndarray = self.differences - boundary
        return np.where(np.abs(made) <= self._rounding + ROUNDING * abs(boundary), 0.0, made)
