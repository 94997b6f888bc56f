"""Methods over many datasets: interquartile mean and performance profiles (Agarwal et al. 2021, arXiv:2108.13264)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri, stdtrit
from scipy.stats import trim_mean

#: Resamples of an interval.
RESAMPLES = 1000


def iqm(scores: np.ndarray) -> float:
    """The mean of the middle half of all scores: robust as the median, and as sure of itself as almost the mean.

    Args:
        scores: float64 [D,S], of D datasets and S seeds, of one range.
    """
    return float(trim_mean(scores, 0.25, axis=None))


def iqm_interval(scores: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """Ends of the percentile interval of `iqm`: seeds are resampled within each dataset; None for one seed.

    The datasets stay: it tells how far other seeds would lead, not other datasets. Resamples of S seeds spread too
    little by sqrt((S - 1) / S) and their quantiles know nothing of t with D (S - 1) degrees of freedom, so the ends are
    moved out by both. At two seeds it still covers a little less than it says; of many seeds nothing changes.
    """
    datasets, seeds = scores.shape
    if seeds < 2:
        return None
    drawn = np.random.default_rng(0).integers(seeds, size=(RESAMPLES, datasets, seeds))
    resampled = np.take_along_axis(scores[None], drawn, axis=2).reshape(RESAMPLES, -1)
    low, high = np.quantile(trim_mean(resampled, 0.25, axis=1), [(1 - level) / 2, (1 + level) / 2])
    sure = (1 + level) / 2
    wider = (seeds / (seeds - 1)) ** 0.5 * float(stdtrit(datasets * (seeds - 1), sure) / ndtri(sure))
    middle = iqm(scores)
    return middle + wider * (float(low) - middle), middle + wider * (float(high) - middle)


def profile(scores: np.ndarray, bounds: Sequence[float] | np.ndarray) -> np.ndarray:
    """The share of runs that score above each bound, float64 [len(bounds)].

    Args:
        scores: float64 [D,S], of D datasets and S seeds.
        bounds: in any order.
    """
    return (scores[..., None] > np.asarray(bounds)).mean(axis=(0, 1))
