"""What detectors that look at features share: checks, the head, and sums over images by blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import logsumexp

from assay.errors import MethodError
from assay.evaluate.result import UndefinedError

#: Images whose features are held in double precision at once.
BLOCK = 8192


def check_features(name: str, features: np.ndarray) -> None:
    """Refuse train features [N,D] that the detector `name` cannot be fitted on.

    Raises:
        MethodError: they were not kept.
        UndefinedError: no images, or a feature that is not finite.
    """
    if features.shape[1] == 0:
        raise MethodError(f"{name} needs the features of the predictions, which were not kept")
    if len(features) == 0:
        raise UndefinedError("there are no train images to fit the detector on")
    wrong = sum(int((~np.isfinite(block)).any(axis=1).sum()) for block in blocks(features))
    if wrong:
        raise UndefinedError(f"{wrong} of {len(features)} train images have features that are NaN or infinite")


def check_head(name: str, head: Any) -> tuple[np.ndarray, np.ndarray]:
    """The head as float64 weight [K,D] and bias [K].

    Raises:
        MethodError: there is none, as for predictions made elsewhere.
    """
    if head is None:
        raise MethodError(f"{name} needs the model's last layer, which predictions made elsewhere lack")
    weight, bias = head
    return np.asarray(weight, np.float64), np.asarray(bias, np.float64)


def blocks(rows: np.ndarray, size: int = BLOCK) -> Iterator[np.ndarray]:
    """The rows, so many at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def energy(features: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """`-log sum_k exp((W f + b)_k)`, float64 [N], of features [N,D]: the energy of the logits that the head makes."""
    return -np.asarray(logsumexp(np.asarray(features, np.float64) @ weight.T + bias, axis=1))


def second_moment(features: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Mean of `(f - origin) (f - origin)^T` over features [N,D], float64 [D,D]; `origin` is [D] or a row each [N,D]."""
    total = np.zeros((features.shape[1], features.shape[1]))
    for start in range(0, len(features), BLOCK):
        part = slice(start, start + BLOCK)
        centred = features[part] - (origin[part] if origin.ndim == 2 else origin)
        total += centred.T @ centred
    return total / len(features)
