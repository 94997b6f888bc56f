"""The Frechet distance between two sets of features, known as FID where the features are Inception's."""

from __future__ import annotations

import numpy as np


def frechet(a: np.ndarray, b: np.ndarray, weights: np.ndarray | None = None) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of the normal distributions fitted to both.

    Heusel et al. (2017, arXiv:1706.08500, equation 6). It depends on the network that the features come from, and is
    too high where there are few images: compare it only under the same network and with about as many images.

    Args:
        a: features, float [N,D], N >= 2.
        b: features, float [M,D], M >= 2.
        weights: of the rows of `b`, float [M]; even ones without.
    """
    mean_a, cov_a = _moments(a, None)
    mean_b, cov_b = _moments(b, weights)
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    # The eigenvalues of C_a C_b are those of the symmetric C_a^(1/2) C_b C_a^(1/2), which stay real under rounding.
    shared = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(0)).sum()
    return max(0.0, float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * shared))


def _moments(rows: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    rows = rows.astype(np.float64)
    if weights is None:
        weights = np.ones(len(rows))
    return np.average(rows, axis=0, weights=weights), np.atleast_2d(np.cov(rows, rowvar=False, aweights=weights))
