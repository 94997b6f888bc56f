"""Robustness index: whether neighbours in the embedding share the class rather than the confounder.

de Jong, Marcus & Teuwen 2025, arXiv:2501.18055.
"""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError

#: Images whose distances to all others are held at a time.
_CHUNK = 1024


def robustness_index(features: np.ndarray, labels: np.ndarray, confounder: np.ndarray, k: int) -> float:
    """Neighbours of the same class over neighbours with the same confounder, both counted over all images.

    `R_k = sum_i sum_j [y_j = y_i] / sum_i sum_j [c_j = c_i]` over the k nearest neighbours j of each image i, itself
    left out, by Euclidean distance. Above 1, class counts for more than confounder. It compares models on one dataset:
    the value of an embedding that knows of neither depends on how often classes and confounders occur.

    Args:
        features: float [N,D].
        labels: int64 [N].
        confounder: text or int [N].
        k: neighbours; at most N - 1 are taken.

    Raises:
        UndefinedError: no features, fewer than two images, features that are not finite, or no neighbour that shares
            the confounder.
    """
    if features.shape[1] == 0:
        raise UndefinedError("features were not kept; set `keep: {features: true}`")
    if len(features) < 2:
        raise UndefinedError("there are no neighbours")
    points = features.astype(np.float64)
    if not np.isfinite(points).all():
        raise UndefinedError("some features are not finite")
    _, marks = np.unique(confounder, return_inverse=True)
    k = min(k, len(points) - 1)
    squares = (points**2).sum(axis=1)
    same_class = same_confounder = 0
    for start in range(0, len(points), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(points)))
        distances = squares[rows, None] + squares - 2 * points[rows] @ points.T
        distances[np.arange(len(rows)), rows] = np.inf
        near = np.argsort(distances, axis=1, kind="stable")[:, :k]
        same_class += int((labels[near] == labels[rows, None]).sum())
        same_confounder += int((marks[near] == marks[rows, None]).sum())
    if not same_confounder:
        raise UndefinedError("no image has a neighbour with the same confounder")
    return same_class / same_confounder
