"""Expected calibration error (Naeini et al. 2015; Guo et al. 2017, arXiv:1706.04599, equation 3)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.calibration.bins import gaps


def ece(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """`sum_m |B_m|/N |acc(B_m) - conf(B_m)|` over bins `((m-1)/M, m/M]` of the largest probability.

    A confidence on an edge belongs to the bin below it, as in Guo et al.; torchmetrics puts it into the bin above,
    and confidences of exactly 1 into a bin of their own.

    Args:
        probabilities: float64 [N,K].
        labels: int64 [N].
        bins: M.

    Raises:
        UndefinedError: no images.
    """
    share, gap = gaps(probabilities, labels, bins)
    return float(share @ np.abs(gap))
