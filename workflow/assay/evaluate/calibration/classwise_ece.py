"""Class-wise (static) calibration error (Kull et al. 2019, arXiv:1910.12656; Nixon et al. 2019, arXiv:1904.01685)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.calibration.bins import binned


def classwise_ece(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """`1/K sum_k sum_m |B_mk|/N |mean[y = k] - mean p_k|` over equal-width bins of each class's probability.

    Args:
        probabilities: float64 [N,K].
        labels: int64 [N].
        bins: M.

    Raises:
        UndefinedError: no images.
    """
    errors = []
    for number in range(probabilities.shape[1]):
        count, given, right = binned(probabilities[:, number], labels == number, bins)
        errors.append(np.abs(right - given).sum() / count.sum())
    return float(np.mean(errors))
