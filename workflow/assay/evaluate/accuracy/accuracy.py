"""Accuracy."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def accuracy(confusion: np.ndarray) -> float:
    """Share of images whose class is predicted, from the confusion matrix int [K,K].

    Raises:
        UndefinedError: no images.
    """
    images = int(confusion.sum())
    if images == 0:
        raise UndefinedError("there are no images")
    return float(np.trace(confusion) / images)
