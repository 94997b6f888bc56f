"""Negative log-likelihood."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def nll(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """`-mean(log p_y)` in nats, from probabilities float64 [N,K] and labels int64 [N].

    Raises:
        UndefinedError: no images, or a true class of probability 0, for which it is infinite.
    """
    if len(labels) == 0:
        raise UndefinedError("there are no images")
    right = probabilities[np.arange(len(labels)), labels]
    impossible = int((right == 0).sum())
    if impossible:
        raise UndefinedError(
            f"infinite: the true class of {impossible} of {len(labels)} images has probability 0 in double precision"
        )
    return float(-np.log(right).mean())
