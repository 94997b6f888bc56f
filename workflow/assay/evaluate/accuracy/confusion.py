"""The confusion matrix, from which accuracy and the metrics per class follow."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def confusion(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Counts int64 [K,K] of images by true class (row) and predicted class (column).

    The prediction is the class with the largest logit, the first of several that are equal.

    Args:
        logits: float [N,K]; infinite ones are allowed.
        labels: int64 [N] in 0..K-1.

    Raises:
        UndefinedError: a logit is NaN.
    """
    spoilt = int(np.isnan(logits).any(axis=1).sum())
    if spoilt:
        raise UndefinedError(f"{spoilt} of {len(logits)} images have logits that are NaN")
    classes = logits.shape[1]
    cells = labels * classes + np.argmax(logits, axis=1)
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)
