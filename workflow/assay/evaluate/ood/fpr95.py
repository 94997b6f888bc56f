"""False positive rate at 95% true positive rate, in both conventions; they can differ widely on skewed scores."""

from __future__ import annotations

import numpy as np

from assay.evaluate.ood.curves import counts_above


def fpr95(inside: np.ndarray, outside: np.ndarray) -> float:
    """Share of test images called outliers where at least 95% of the outliers are (outliers positive).

    The convention of OpenOOD v1.5 and pytorch-ood. Scores: test images [N], outliers [M].
    """
    return _fpr(inside, outside)


def fpr95_id(inside: np.ndarray, outside: np.ndarray) -> float:
    """Share of outliers called test images where at least 95% of the test images are (test images positive).

    The classic convention (Liang et al. 2018, arXiv:1706.02690). Scores: test images [N], outliers [M].
    """
    return _fpr(-outside, -inside)


def _fpr(negative: np.ndarray, positive: np.ndarray) -> float:
    false, true = counts_above(negative, positive)
    first = np.argmax(true / len(positive) >= 0.95)
    return float(false[first] / len(negative))
