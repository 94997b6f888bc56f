"""Metrics over classes with many, a medium number and few train images (Liu et al. 2019, arXiv:1904.05160)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assay.evaluate.result import UndefinedError

#: The bins, from the commonest classes to the rarest.
BINS = ("many", "medium", "few")


def bin_of(counts: np.ndarray, many: int, few: int) -> dict[str, np.ndarray]:
    """The classes int64 [*] of each bin: `many` has more train images than `many`, `few` fewer than `few`.

    Args:
        counts: int64 [K], train images of each class.
        many, few: the paper's are 100 and 20.
    """
    return {
        "many": np.flatnonzero(counts > many),
        "medium": np.flatnonzero((counts <= many) & (counts >= few)),
        "few": np.flatnonzero(counts < few),
    }


def mean_over(confusion: np.ndarray, classes: np.ndarray, measure: Callable[[np.ndarray, int], float]) -> float:
    """The mean of `measure(confusion, class)` over those of `classes` for which it has a value.

    Raises:
        UndefinedError: no class is in the bin, or none of them has a value.
    """
    if len(classes) == 0:
        raise UndefinedError("no class has so many train images")
    values = []
    for number in classes:
        try:
            values.append(measure(confusion, int(number)))
        except UndefinedError:
            continue
    if not values:
        raise UndefinedError("no class of the bin has a value")
    return float(np.mean(values))
