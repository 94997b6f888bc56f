"""Maximum calibration error (Naeini et al. 2015; Guo et al. 2017, arXiv:1706.04599, equation 5)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.calibration.bins import gaps


def mce(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """`max_m |acc(B_m) - conf(B_m)|` over the bins of `ece` that hold images.

    Args:
        probabilities: float64 [N,K].
        labels: int64 [N].
        bins: M.

    Raises:
        UndefinedError: no images.
    """
    _, gap = gaps(probabilities, labels, bins)
    return float(np.abs(gap).max())
