"""Expected calibration error over bins of equal mass (Nixon et al. 2019, arXiv:1904.01685)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.calibration.bins import gaps


def adaptive_ece(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """`sum_m |B_m|/N |acc(B_m) - conf(B_m)|` over bins of the largest probability that hold equally many images.

    Equal confidences share a bin (see `assay.evaluate.calibration.bins.equal_mass`).

    Args:
        probabilities: float64 [N,K].
        labels: int64 [N].
        bins: M.

    Raises:
        UndefinedError: no images.
    """
    share, gap = gaps(probabilities, labels, bins, mass=True)
    return float(share @ np.abs(gap))
