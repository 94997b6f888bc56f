"""Test images in bins of their confidence, which the calibration errors and the reliability diagram share."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.calibration.wilson import wilson
from assay.evaluate.result import UndefinedError, plain


def equal_width(confidence: np.ndarray, bins: int) -> np.ndarray:
    """The bin int64 [N] of each confidence: bin m of M holds `((m-1)/M, m/M]` (Guo et al. 2017, section 2)."""
    edges = np.linspace(0, 1, bins + 1)
    return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)


def equal_mass(confidence: np.ndarray, bins: int) -> np.ndarray:
    """The bin int64 [N] of each confidence, such that bins hold equally many images.

    The upper end of bin m of M is the `ceil(m N / M)`-th smallest confidence and belongs to the bin. Equal
    confidences share a bin, so the result depends on no order of the images; bins then differ in size.
    """
    ranks = np.ceil(np.arange(1, bins + 1) * len(confidence) / bins).astype(np.int64)
    return np.searchsorted(np.sort(confidence)[ranks - 1], confidence, side="left")


def gaps(probabilities: np.ndarray, labels: np.ndarray, bins: int, mass: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Share of the images and gap between accuracy and mean confidence in each bin that is not empty, [B] each.

    The confidence is the largest probability, and the prediction the first class that has it.

    Args:
        probabilities: float64 [N,K].
        labels: int64 [N].
        bins: how many.
        mass: bins of equal mass instead of equal width.

    Raises:
        UndefinedError: no images.
    """
    count, confidence, accuracy = _of_the_largest(probabilities, labels, bins, mass)
    full = count > 0
    return count[full] / count.sum(), (accuracy[full] - confidence[full]) / count[full]


def binned(
    given: np.ndarray, right: np.ndarray, bins: int, mass: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, summed probability and events of each bin, [bins] each.

    Args:
        given: float64 [N], the probability of an event.
        right: bool [N], whether it happened.
        bins: how many.
        mass: bins of equal mass instead of equal width.

    Raises:
        UndefinedError: no images.
    """
    if len(given) == 0:
        raise UndefinedError("there are no images")
    bin_of = (equal_mass if mass else equal_width)(given, bins)
    return (
        np.bincount(bin_of, minlength=bins),
        np.bincount(bin_of, given, minlength=bins),
        np.bincount(bin_of, right, minlength=bins),
    )


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int) -> dict[str, list[Any]]:
    """The reliability diagram: `edges` [bins + 1], and `count`, `confidence`, `accuracy`, `low` and `high` of each bar.

    `low` and `high` are the ends of the 95% Wilson interval of the accuracy. A bin without images has none of these
    (None).
    """
    if len(labels) == 0:
        count = confidence = accuracy = np.zeros(bins)
    else:
        count, confidence, accuracy = _of_the_largest(probabilities, labels, bins, mass=False)
    low, high = wilson(accuracy, count)
    with np.errstate(invalid="ignore"):
        return {
            "edges": plain(np.linspace(0, 1, bins + 1)),
            "count": count.astype(int).tolist(),
            "confidence": plain(confidence / count),
            "accuracy": plain(accuracy / count),
            "low": plain(low),
            "high": plain(high),
        }


def _of_the_largest(
    probabilities: np.ndarray, labels: np.ndarray, bins: int, mass: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, summed confidence and rightly predicted images of each bin of the largest probability, [bins] each."""
    right = probabilities.argmax(axis=1) == labels
    return binned(probabilities.max(axis=1), right, bins, mass)
