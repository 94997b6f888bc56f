"""Matthews correlation coefficient of several classes (Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def mcc(confusion: np.ndarray) -> float:
    """`(c s - t.p) / sqrt((s^2 - p.p)(s^2 - t.t))`, from the confusion matrix int [K,K].

    c of s images are right, t and p [K] count images by true and predicted class.

    Raises:
        UndefinedError: no images, or all of one class or predicted as one.
    """
    counts = confusion.astype(np.float64)
    true, predicted, total = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    if total == 0:
        raise UndefinedError("there are no images")
    spread = (total**2 - predicted @ predicted) * (total**2 - true @ true)
    if spread == 0:
        raise UndefinedError("all images are of one class, or all are predicted as one")
    return float((np.trace(counts) * total - true @ predicted) / np.sqrt(spread))
