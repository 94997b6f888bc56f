"""The quantile that makes split conformal prediction exact in finite samples."""

from __future__ import annotations

import math

import numpy as np


def conformal_quantile(scores: np.ndarray, alpha: float) -> float:
    """The `ceil((n + 1)(1 - alpha))`-th smallest of n scores; infinite when n is too small for alpha.

    A further exchangeable score is at most this large with probability at least `1 - alpha`, and at most
    `1 - alpha + 1/(n + 1)` when no two scores are equal
    (Vovk et al. 2005; Lei et al. 2018, arXiv:1604.04173, theorem 2).
    """
    rank = math.ceil((len(scores) + 1) * (1 - alpha) - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf
