"""Size of prediction sets."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def set_size(sets: np.ndarray) -> float:
    """Mean number of classes in a set, from sets bool [N,K].

    Raises:
        UndefinedError: no images.
    """
    if len(sets) == 0:
        raise UndefinedError("there are no images")
    return float(sets.sum(axis=1).mean())


def singleton_rate(sets: np.ndarray) -> float:
    """Share of images whose set holds exactly one class, from sets bool [N,K].

    Raises:
        UndefinedError: no images.
    """
    if len(sets) == 0:
        raise UndefinedError("there are no images")
    return float((sets.sum(axis=1) == 1).mean())
