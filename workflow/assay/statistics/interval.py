"""The interval of a mean over seeds as tables show it: the bootstrap's where there are seeds enough, Student's t below.

A bootstrap of few values is too sure of itself: it draws from values whose spread is too small by sqrt((n - 1) / n),
and takes quantiles of the normal distribution where those of t belong. With 10 normal values its 95% interval covers
in 90% of all cases. So its level is raised to where it would cover as t does (Hesterberg 2015, arXiv:1411.5279).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, stdtrit
from scipy.stats import bootstrap

from assay.claims.interval import mean_interval

#: Seeds from which on the interval is the bootstrap's.
ENOUGH = 10

#: Resamples; drawn from one fixed stream, so that equal values have equal intervals.
RESAMPLES = 9999

#: Names of the intervals, as tables and methods paragraphs write them.
T, BCA = "t", "BCa"


class Named(NamedTuple):
    """A mean, the ends of its interval, and which interval it is; all but the mean None where there is none."""

    mean: float
    low: float | None
    high: float | None
    kind: str | None


def interval(values: Sequence[float], level: float = 0.95) -> Named | None:
    """The mean of finite values, one a seed, with its two-sided interval; None without values.

    One value has no interval, and neither have equal ones.
    """
    return _interval(tuple(map(float, values)), level)


@lru_cache(maxsize=8192)
def _interval(values: tuple[float, ...], level: float) -> Named | None:
    found = mean_interval(values, level)
    if found is None or found.low is None:
        return found and Named(found.mean, None, None, None)
    if len(values) < ENOUGH:
        return Named(*found, T)
    low, high = bca(np.array(values), level)
    return Named(found.mean, float(low), float(high), BCA)


def bca(values: np.ndarray, level: float = 0.95, resamples: int = RESAMPLES) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the bias-corrected accelerated bootstrap interval of the mean (Efron 1987), at the raised level.

    Args:
        values: float64 [..., n], one sample a row; no row of equal values.
        level: coverage that is asked for.
        resamples: how many means are drawn.

    Returns:
        low and high, float64 [...] each.
    """
    made = bootstrap(
        (values,),
        np.mean,
        axis=-1,
        vectorized=True,
        n_resamples=resamples,
        confidence_level=expanded(level, values.shape[-1]),
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return made.low, made.high


def expanded(level: float, n: int) -> float:
    """The level at which a bootstrap interval of n normal values covers their mean with probability `level`."""
    return float(1 - 2 * ndtr(-((n / (n - 1)) ** 0.5) * stdtrit(n - 1, (1 + level) / 2)))
