"""Filter by diversity: images that lie far from each other."""

from __future__ import annotations

import numpy as np

from assay import method
from assay.synthesize.filters.candidates import Candidates


@method(
    "filter",
    "diversity",
    summary="in each class, one image after the other that is farthest from those taken before (k-centre greedy)",
    paper="Sener and Savarese 2018, arXiv:1708.00489",
    shapes="features float32 [M,D] -> scores float64 [M]",
)
def diversity(candidates: Candidates) -> np.ndarray:
    """Minus the place in the greedy order of algorithm 1, in the judge's features or in pixels.

    The first one is the image nearest to the mean of its class's candidates. The order favours outliers, good or bad.
    """
    scores = np.zeros(len(candidates.labels))
    for label in np.unique(candidates.labels):
        members = np.flatnonzero(candidates.labels == label)
        scores[members[_order(candidates.seen.features[members].astype(np.float64))]] = -np.arange(len(members))
    return scores


def _order(rows: np.ndarray) -> np.ndarray:
    """The greedy order of rows float64 [M,D]: int64 [M]."""
    at = int(((rows - rows.mean(0)) ** 2).sum(1).argmin())
    order, apart = [at], np.full(len(rows), np.inf)
    while len(order) < len(rows):
        apart = np.minimum(apart, ((rows - rows[at]) ** 2).sum(1))
        apart[at] = -np.inf
        at = int(apart.argmax())
        order.append(at)
    return np.array(order, np.int64)
