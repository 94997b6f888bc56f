"""Precision, recall, density and coverage: how two sets of features lie among each other."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

#: Neighbours k that the radius of a ball reaches to (Naeem et al. 2020, section 4.1).
NEIGHBOURS = 5


def manifold(made: np.ndarray, real: np.ndarray, weights: np.ndarray, neighbours: int = NEIGHBOURS) -> dict[str, float]:
    """Shares of `made` among `real` and the other way round, by balls that reach to each row's k-th neighbour.

    Naeem et al. (2020, arXiv:2002.09797): precision and recall after Kynkaanniemi et al. (equations 1 and 2), density
    and coverage (equations 3 and 4).

    Args:
        made: features, float [N,D], N > k.
        real: features, float [M,D], M > k.
        weights: of the rows of `real` in recall and coverage, which are shares of them; float [M].
        neighbours: k.

    Returns:
        `precision`: share of `made` in the ball of some real row. `recall`: share of `real` in the ball of some made
        row. `density`: real balls that a made row lies in, over k; 1 where both are alike. `coverage`: share of real
        balls with a made row in them.
    """
    apart = pairwise_distances(real, made)
    inside = apart < _radii(real, neighbours)[:, None]
    found = apart < _radii(made, neighbours)[None, :]
    return {
        "precision": float(inside.any(0).mean()),
        "recall": float(np.average(found.any(1), weights=weights)),
        "density": float(inside.sum(0).mean() / neighbours),
        "coverage": float(np.average(inside.any(1), weights=weights)),
    }


def _radii(rows: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance of each row to its k-th nearest other row, float [N]."""
    index = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(rows)
    found: np.ndarray = index.kneighbors()[0][:, -1]
    return found
