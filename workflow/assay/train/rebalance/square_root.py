"""Square-root sampling."""

from __future__ import annotations

import numpy as np

from assay import method
from assay.train.rebalance.class_balanced import class_balanced


@method(
    "rebalance",
    "square-root",
    summary="Draw the epoch's images with replacement, class by the square root of its count",
    paper="Mahajan et al. 2018, arXiv:1805.00932; Kang et al. 2020, arXiv:1910.09217, eq. 1 with q = 1/2",
    shapes="labels [N] -> indices [N]",
)
def square_root(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A draw has class j with probability `sqrt(n_j) / sum_i sqrt(n_i)`, and images of a class are alike.

    Args:
        labels: int64 `[N]`.
        rng: of this epoch.
    """
    return class_balanced(labels, rng, power=0.5)
