"""Balanced accuracy (Brodersen et al. 2010, doi:10.1109/ICPR.2010.764)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def balanced_accuracy(confusion: np.ndarray) -> float:
    """Mean recall over the classes that have images, from the confusion matrix int [K,K].

    Raises:
        UndefinedError: no images.
    """
    images = confusion.sum(axis=1)
    present = images > 0
    if not present.any():
        raise UndefinedError("there are no images")
    return float(np.mean(np.diag(confusion)[present] / images[present]))
