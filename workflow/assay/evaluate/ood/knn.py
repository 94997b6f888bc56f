"""Distance to the k-th nearest train image (Sun et al. 2022, arXiv:2204.06507)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.errors import MethodError
from assay.study.registry import Option, method

#: Images of the two sides whose distances are held at once, which bounds the memory to about 64 MB.
ROWS, COLUMNS = 512, 8192


@method(
    "detector",
    "knn",
    summary="the distance of the unit-length features to the k-th nearest train image",
    paper="Sun et al. 2022, arXiv:2204.06507",
    options={"k": Option(50, "which neighbour; the paper uses 50 for CIFAR-10, 200 for CIFAR-100", at_least=1)},
    shapes="features [N,D] -> scores [N]",
)
class KNearestNeighbours:
    """`s(x) = ||u - u_(k)||` with `u = f(x) / ||f(x)||` and `u_(k)` its k-th nearest among the train images.

    The search is exact, in double precision and by blocks, so memory does not grow with the number of images scored.
    """

    def __init__(self, k: int):
        self.k = k

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Keep the train images' features [N,D] at unit length.

        Raises:
            MethodError: no features, or fewer than k images.
        """
        if features.shape[1] == 0:
            raise MethodError("knn needs the features of the predictions, which were not kept")
        if len(features) < self.k:
            raise MethodError(f"knn has k = {self.k}, but there are {len(features)} train images")
        self.train_ = _unit(features)

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] to scores float64 [N] in 0..2."""
        queries = _unit(features)
        blocks = [self._score(queries[start : start + ROWS]) for start in range(0, len(queries), ROWS)]
        return np.concatenate([np.empty(0), *blocks])

    def _score(self, queries: np.ndarray) -> np.ndarray:
        # On the unit sphere the largest cosines are the smallest distances.
        nearest = np.empty((len(queries), 0))
        for start in range(0, len(self.train_), COLUMNS):
            cosine = queries @ self.train_[start : start + COLUMNS].T
            nearest = np.concatenate([nearest, cosine], axis=1)
            if nearest.shape[1] > self.k:
                nearest = np.partition(nearest, -self.k, axis=1)[:, -self.k :]
        return np.sqrt(np.maximum(0.0, 2.0 - 2.0 * nearest.min(axis=1)))


def _unit(features: np.ndarray) -> np.ndarray:
    """Rows float64 [N,D] at unit length; a row of zeros stays zero."""
    features = np.asarray(features, dtype=np.float64)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit: np.ndarray = features / np.maximum(lengths, 1e-12)
    return unit
