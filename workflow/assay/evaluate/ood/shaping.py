"""Activation shaping: which features of an image are its largest, and how much of the sum they hold."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def largest(features: np.ndarray, pruned: float) -> np.ndarray:
    """Places int64 [N,k] of each image's k largest features [N,D], in no order; of equal ones any.

    `k = D - round(D * pruned)`, and at least 1.
    """
    dimension = features.shape[1]
    kept = max(1, dimension - round(dimension * pruned))
    return np.argpartition(features, dimension - kept, axis=1)[:, dimension - kept :]


def concentration(features: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The sum of each image's features [N,D] by that of those at `places` [N,k], float64 [N]; 1 where all are zero.

    Raises:
        UndefinedError: a negative feature, since the sums then measure no share.
    """
    below = int((features < 0).any(axis=1).sum())
    if below:
        raise UndefinedError(f"{below} of {len(features)} images have negative features, as from no ReLU")
    every = features.sum(axis=1, dtype=np.float64)
    kept = np.take_along_axis(features, places, axis=1).sum(axis=1, dtype=np.float64)
    return np.asarray(np.divide(every, kept, out=np.ones(len(features)), where=kept > 0))
