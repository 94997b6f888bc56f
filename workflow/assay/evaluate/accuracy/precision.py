"""Precision of a class (its positive predictive value)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def precision(confusion: np.ndarray, number: int) -> float:
    """Share of the images predicted as class `number` that belong to it, from the confusion matrix int [K,K].

    Raises:
        UndefinedError: no image is predicted as the class.
    """
    predicted = int(confusion[:, number].sum())
    if predicted == 0:
        raise UndefinedError("no image is predicted as the class")
    return float(confusion[number, number] / predicted)
