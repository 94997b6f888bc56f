"""Coverage of prediction sets, over all images and within a class."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def coverage(sets: np.ndarray, labels: np.ndarray) -> float:
    """Share of images whose set (bool [N,K]) holds their label (int64 [N]).

    Raises:
        UndefinedError: no images.
    """
    if len(labels) == 0:
        raise UndefinedError("there are no images")
    return float(sets[np.arange(len(labels)), labels].mean())


def class_coverage(sets: np.ndarray, labels: np.ndarray, number: int) -> float:
    """Share of the images of class `number` whose set holds it.

    Raises:
        UndefinedError: no image belongs to the class.
    """
    member = labels == number
    if not member.any():
        raise UndefinedError("no image belongs to the class")
    return float(sets[member, number].mean())
