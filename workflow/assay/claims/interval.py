"""The mean over seeds with its interval, as tables show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit


class Interval(NamedTuple):
    """A mean and the ends of its interval; the ends are None where the values do not give one."""

    mean: float
    low: float | None
    high: float | None


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval | None:
    """The mean of finite values (one a seed) with its two-sided t interval; None without values.

    One value has no interval, and neither have equal ones: that they agree does not tell how far the next would lie.
    """
    if len(values) == 0:
        return None
    mean = float(np.mean(values))
    if len(values) == 1 or np.ptp(values) == 0:
        return Interval(mean, None, None)
    half = float(stdtrit(len(values) - 1, (1 + level) / 2) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)
