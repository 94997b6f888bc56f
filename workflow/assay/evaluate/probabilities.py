"""Logits to probabilities, in double precision."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from assay.evaluate.result import UndefinedError


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Logarithm of the softmax over classes, float64 [N,K]; a logit of -inf gives probability 0.

    Raises:
        UndefinedError: a row holds NaN or +inf, or -inf alone, so that it has no softmax.
    """
    logits = np.asarray(logits, dtype=np.float64)
    wrong = ~(np.isfinite(logits) | np.isneginf(logits)).all(axis=1) | np.isneginf(logits).all(axis=1)
    if wrong.any():
        raise UndefinedError(f"{int(wrong.sum())} of {len(logits)} images have logits that are NaN or infinite")
    result: np.ndarray = log_softmax(logits, axis=1)
    return result


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax over classes, float64 [N,K].

    Raises:
        UndefinedError: as `log_probabilities`.
    """
    return np.exp(log_probabilities(logits))
