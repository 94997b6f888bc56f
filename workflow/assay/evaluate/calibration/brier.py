"""Brier score (Brier 1950), in its form for several classes, between 0 and 2."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def brier(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """`mean_i sum_k (p_ik - [y_i = k])^2`, from probabilities float64 [N,K] and labels int64 [N].

    Raises:
        UndefinedError: no images.
    """
    if len(labels) == 0:
        raise UndefinedError("there are no images")
    right = probabilities[np.arange(len(labels)), labels]
    return float(np.mean((probabilities**2).sum(axis=1) - 2 * right + 1))
