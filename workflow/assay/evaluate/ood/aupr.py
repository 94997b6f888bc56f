"""Area under the precision-recall curve, with outliers or with test images as the positive class.

As in OpenOOD v1.5 the curve is joined by straight lines (the trapezoidal rule), from precision 1 at recall 0. Average
precision, which sums rectangles, is slightly lower.
"""

from __future__ import annotations

import numpy as np

from assay.evaluate.ood.curves import counts_above


def aupr_out(inside: np.ndarray, outside: np.ndarray) -> float:
    """The area with outliers as positive, from the scores of test images [N] and of outliers [M]."""
    return _area(inside, outside)


def aupr_in(inside: np.ndarray, outside: np.ndarray) -> float:
    """The area with test images as positive and negated scores, from the scores of test images [N] and outliers [M]."""
    return _area(-outside, -inside)


def _area(negative: np.ndarray, positive: np.ndarray) -> float:
    false, true = counts_above(negative, positive)
    precision = np.concatenate([[1.0], true / (true + false)])
    recall = np.concatenate([[0.0], true / len(positive)])
    return float(np.trapezoid(precision, recall))
