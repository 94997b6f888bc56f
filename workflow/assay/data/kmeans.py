"""k-means by Lloyd's iterations from k-means++ seeds, the same on every number of threads."""

from __future__ import annotations

import numpy as np

#: Rows whose distances to all centres are held at a time.
_ROWS = 4096


def kmeans(
    points: np.ndarray, clusters: int, rng: np.random.Generator, iterations: int = 50
) -> tuple[np.ndarray, np.ndarray]:
    """Centres float64 [k,D] and the cluster of each point, int64 [N].

    A cluster that loses all its points takes the point furthest from its centre. Fewer different points than clusters
    give as many clusters as there are; none is empty.

    Args:
        points: float [N,D].
        clusters: k, at most N.
        rng: chooses the first centres.
        iterations: at most; it stops when no point changes its cluster.
    """
    points = points.astype(np.float64)
    centres = _seeds(points, clusters, rng)
    labels = np.full(len(points), -1, np.int64)
    for _ in range(iterations):
        nearest, distance = assign(points, centres)
        for empty in np.setdiff1d(np.arange(len(centres)), nearest):
            furthest = int(distance.argmax())
            nearest[furthest], distance[furthest] = empty, 0
        if np.array_equal(nearest, labels):
            break
        labels = nearest
        centres = means(points, labels, len(centres))
    used, labels = np.unique(labels, return_inverse=True)
    return centres[used], labels.astype(np.int64)


def means(points: np.ndarray, labels: np.ndarray, clusters: int) -> np.ndarray:
    """The mean point of each cluster, float64 [k,D]; zero for an empty one."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels, minlength=clusters)
    sums = np.zeros((clusters, points.shape[1]))
    present = np.flatnonzero(counts)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])[present]
    sums[present] = np.add.reduceat(points[order], starts, axis=0)
    return sums / np.maximum(counts, 1)[:, None]


def assign(points: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each point the nearest centre, int64 [N], and the squared distance to it, float64 [N]."""
    label, distance = np.empty(len(points), np.int64), np.empty(len(points))
    square = (centres**2).sum(1)
    for start in range(0, len(points), _ROWS):
        part = points[start : start + _ROWS]
        apart = (part**2).sum(1, keepdims=True) - 2 * part @ centres.T + square
        label[start : start + _ROWS] = apart.argmin(1)
        distance[start : start + _ROWS] = np.maximum(apart.min(1), 0)
    return label, distance


def _seeds(points: np.ndarray, clusters: int, rng: np.random.Generator) -> np.ndarray:
    """k-means++ (Arthur and Vassilvitskii 2007): each next centre with probability by its squared distance."""
    chosen = [int(rng.integers(len(points)))]
    distance = ((points - points[chosen[0]]) ** 2).sum(1)
    while len(chosen) < clusters and distance.sum() > 0:
        chosen.append(int(rng.choice(len(points), p=distance / distance.sum())))
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(1))
    return points[chosen]
