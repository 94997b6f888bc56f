"""Power of t tests over seeds: what a number of seeds can detect, and how many a difference needs.

Effects are in standard deviations of the values that are tested, as Cohen's d is (Cohen 1988).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import chdtri, nctdtr, nctdtrinc, ndtr, stdtrit

#: No number of seeds beyond this is worth naming.
MOST = 10_000


def t_power(effect: float, n: int, alpha: float) -> float:
    """Probability that a one-sided t test of n >= 2 values at level `alpha` finds their mean, `effect`, above 0."""
    shift, bound = effect * n**0.5, stdtrit(n - 1, 1 - alpha)
    missed = float(nctdtr(n - 1, shift, bound))
    # The distribution function gives up at some large shifts; there the statistic is normal around its shift.
    return 1 - missed if math.isfinite(missed) else float(ndtr(shift - bound))


def equivalence_power(effect: float, margin: float, n: int, alpha: float) -> float:
    """Probability that two one-sided t tests of n >= 2 values find their mean, `effect`, between -margin and margin.

    Schuirmann 1987, doi:10.1007/BF01068419. Given the sample's standard deviation the mean is normal; that probability
    is averaged over 500 quantiles of the standard deviation.
    """
    spread = np.sqrt(chdtri(n - 1, (np.arange(500) + 0.5) / 500) / (n - 1))
    reach = stdtrit(n - 1, 1 - alpha) * spread
    inside = ndtr((margin - effect) * n**0.5 - reach) - ndtr((-margin - effect) * n**0.5 + reach)
    return float(np.maximum(inside, 0).mean())


def detectable(sd: float, n: int, alpha: float = 0.05, power: float = 0.8, sides: int = 2) -> float | None:
    """The minimum detectable difference: the mean that a t test of n values finds with probability `power`.

    Args:
        sd: standard deviation of the values; for a comparison paired by seed, of the differences.
        n: how many.
        alpha: level of the test.
        power: probability of finding it.
        sides: 2 for a two-sided test, of which only the side of the mean counts as found, or 1.

    Returns:
        In the unit of `sd`; None for fewer than two values or no spread.
    """
    if n < 2 or not sd > 0:
        return None
    return sd * float(nctdtrinc(n - 1, 1 - power, stdtrit(n - 1, 1 - alpha / sides))) / n**0.5


def seeds_needed(power_of: Callable[[int], float], power: float = 0.8) -> int | None:
    """The smallest n in 2..`MOST` for which `power_of(n)`, which grows with n, reaches `power`; None if none does."""
    low, high = 1, 2
    while power_of(high) < power:
        if high == MOST:
            return None
        low, high = high, min(2 * high, MOST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= power else (middle, high)
    return high
