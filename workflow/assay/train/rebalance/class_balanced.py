"""Sampling by class."""

from __future__ import annotations

import numpy as np

from assay import Option, method


@method(
    "rebalance",
    "class-balanced",
    summary="Draw the epoch's images with replacement, class by a power of its count",
    paper="Kang et al. 2020, arXiv:1910.09217, eq. 1",
    options={
        "power": Option(0.0, "0: classes alike; 0.5: square root of the counts; 1: images alike", at_least=0, at_most=1)
    },
    shapes="labels [N] -> indices [N]",
)
def class_balanced(labels: np.ndarray, rng: np.random.Generator, *, power: float) -> np.ndarray:
    """A draw has class j with probability `n_j^q / sum_i n_i^q`, and images of a class are alike.

    Args:
        labels: int64 `[N]`.
        rng: of this epoch.
        power: q.
    """
    _, members, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weight = counts.astype(np.float64)[members] ** (power - 1)
    return rng.choice(len(labels), len(labels), p=weight / weight.sum())
