"""Top-k accuracy (Russakovsky et al. 2015, arXiv:1409.0575)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def top_k(logits: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of images whose class is among the k with the largest logits, the first of several that are equal.

    Args:
        logits: float [N,K]; infinite ones are allowed.
        labels: int64 [N].
        k: how many.

    Raises:
        UndefinedError: no images, a logit that is NaN, or fewer than k classes.
    """
    if len(labels) == 0:
        raise UndefinedError("there are no images")
    if k > logits.shape[1]:
        raise UndefinedError(f"there are only {logits.shape[1]} classes")
    if np.isnan(logits).any():
        raise UndefinedError("there are logits that are NaN")
    first = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    return float((first == labels[:, None]).any(axis=1).mean())
