"""Ranks of methods over several datasets: Friedman's test and Nemenyi's critical difference (Demsar 2006, JMLR 7)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, studentized_range


class Ranking(NamedTuple):
    """What came of it.

    Attributes:
        ranks: mean rank of each method over the datasets, float64 [k], 1 is best; equal scores share their ranks.
        p: of Friedman's test that all methods are alike, corrected for ties as R's `friedman.test`; 1 where they all
            tie everywhere, None for two methods, for which there is no such test.
        critical: mean ranks that differ by more are told apart by Nemenyi's test.
    """

    ranks: np.ndarray
    p: float | None
    critical: float


def ranking(scores: np.ndarray, alpha: float = 0.05) -> Ranking:
    """Rank methods by their scores on each dataset.

    Args:
        scores: float64 [D,k], of D >= 2 datasets and k >= 2 methods; higher is better.
        alpha: level of Nemenyi's test over all pairs.
    """
    datasets, methods = scores.shape
    every = rankdata(-scores, axis=1)
    ranks = every.mean(axis=0)
    p = None
    if methods > 2:
        p = 1.0 if np.ptp(every) == 0 else float(friedmanchisquare(*scores.T).pvalue)
    return Ranking(ranks, p, critical_difference(methods, datasets, alpha))


def critical_difference(methods: int, datasets: int, alpha: float = 0.05) -> float:
    """`q sqrt(k (k + 1) / (6 D))`, q the quantile of the studentized range over sqrt(2)."""
    q = float(studentized_range.ppf(1 - alpha, methods, np.inf)) / 2**0.5
    return q * (methods * (methods + 1) / (6 * datasets)) ** 0.5


def cliques(ranks: np.ndarray, critical: float) -> list[list[int]]:
    """The largest groups of methods of which no two are told apart, as places in `ranks`, the best first.

    One method alone is no group.
    """
    order = [int(place) for place in np.argsort(ranks, kind="stable")]
    found: list[list[int]] = []
    for start, place in enumerate(order):
        group = [other for other in order[start:] if ranks[other] - ranks[place] <= critical]
        if len(group) > 1 and not any(set(group) <= set(one) for one in found):
            found.append(group)
    return found
