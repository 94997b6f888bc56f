"""F1 score of a class (van Rijsbergen 1979)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def f1(confusion: np.ndarray, number: int) -> float:
    """`2 TP / (2 TP + FP + FN)` of class `number`, from the confusion matrix int [K,K].

    Raises:
        UndefinedError: no image belongs to the class and none is predicted as it.
    """
    either = int(confusion[number].sum() + confusion[:, number].sum())
    if either == 0:
        raise UndefinedError("no image belongs to the class and none is predicted as it")
    return float(2 * confusion[number, number] / either)
