"""Calibration error without the upward bias of binned estimates (Kumar et al. 2019, arXiv:1909.10155)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.calibration.bins import binned
from assay.evaluate.result import UndefinedError


def debiased_ce(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """`sqrt(max(0, sum_m |B_m|/N [(acc_m - conf_m)^2 - acc_m (1 - acc_m) / (|B_m| - 1)]))`.

    The l2 error of the largest probability over bins of equal mass (definition 5.1). The noise of an accuracy makes the
    plain square too large by the term that is taken off.

    Args:
        probabilities: float64 [N,K].
        labels: int64 [N].
        bins: M.

    Raises:
        UndefinedError: no images, or a bin with one image, whose noise nothing tells.
    """
    right = probabilities.argmax(axis=1) == labels
    count, confidence, hits = binned(probabilities.max(axis=1), right, bins, mass=True)
    full = count > 0
    count, confidence, accuracy = count[full], confidence[full] / count[full], hits[full] / count[full]
    if (count == 1).any():
        raise UndefinedError(f"{int((count == 1).sum())} of {len(count)} bins hold one image; take fewer bins")
    squares = (accuracy - confidence) ** 2 - accuracy * (1 - accuracy) / (count - 1)
    return float(np.sqrt(max(0.0, count @ squares / count.sum())))
