"""Recall of a class (its sensitivity, its true positive rate)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def recall(confusion: np.ndarray, number: int) -> float:
    """Share of the images of class `number` that are predicted as it, from the confusion matrix int [K,K].

    Raises:
        UndefinedError: no image belongs to the class.
    """
    images = int(confusion[number].sum())
    if images == 0:
        raise UndefinedError("no image belongs to the class")
    return float(confusion[number, number] / images)
