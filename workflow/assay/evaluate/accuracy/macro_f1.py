"""Macro F1 (Yang 1999, doi:10.1023/A:1009982220290; the mean of the classes' F1 scores)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def macro_f1(confusion: np.ndarray) -> float:
    """Mean F1 over the classes that have images or are predicted, from the confusion matrix int [K,K].

    Raises:
        UndefinedError: no images.
    """
    either = confusion.sum(axis=1) + confusion.sum(axis=0)
    if either.sum() == 0:
        raise UndefinedError("there are no images")
    seen = either > 0
    return float(np.mean(2 * np.diag(confusion)[seen] / either[seen]))
