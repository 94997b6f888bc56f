"""Accepting by a threshold that the validation split set beforehand, as one must in use."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def threshold(confidence: np.ndarray, coverage: float) -> float:
    """The confidence that the `ceil(coverage N)` most confident of N validation images reach.

    Raises:
        UndefinedError: no images, or a confidence that is NaN.
    """
    if len(confidence) == 0:
        raise UndefinedError("there are no validation images")
    if np.isnan(confidence).any():
        raise UndefinedError("a confidence on the validation split is NaN")
    accepted = max(1, int(np.ceil(coverage * len(confidence) - 1e-9)))
    return float(np.sort(confidence)[::-1][accepted - 1])


def kept(confidence: np.ndarray, least: float) -> float:
    """Share of the images whose confidence [N] reaches `least`.

    Raises:
        UndefinedError: no images.
    """
    if len(confidence) == 0:
        raise UndefinedError("there are no images")
    return float((confidence >= least).mean())


def kept_accuracy(confidence: np.ndarray, right: np.ndarray, least: float) -> float:
    """Accuracy on the images whose confidence [N] reaches `least`, with `right` bool [N].

    Raises:
        UndefinedError: no image is accepted.
    """
    accepted = confidence >= least
    if not accepted.any():
        raise UndefinedError("no image is accepted")
    return float(right[accepted].mean())
