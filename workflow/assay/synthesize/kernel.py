"""The kernel distance between two sets of features, known as KID where the features are Inception's."""

from __future__ import annotations

import numpy as np


def kernel(a: np.ndarray, b: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The squared maximum mean discrepancy under k(x, y) = (x . y / D + 1)^3, without the pairs of a row with itself.

    Binkowski et al. (2018, arXiv:1801.01401, section 4 and equation 4): unbiased, so 0 in the mean for equal
    distributions whatever their number, and at times negative.

    Args:
        a: features, float [N,D], N >= 2.
        b: features, float [M,D], M >= 2.
        weights: of the rows of `b`, float [M]; even ones without.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    even = np.full(len(a), 1 / len(a))
    other = np.full(len(b), 1 / len(b)) if weights is None else weights / weights.sum()
    return float(_within(a, even) + _within(b, other) - 2 * even @ _polynomial(a, b) @ other)


def _within(rows: np.ndarray, weights: np.ndarray) -> float:
    """The mean of k over pairs of different rows."""
    values = _polynomial(rows, rows)
    np.fill_diagonal(values, 0)
    return float(weights @ values @ weights / (1 - (weights**2).sum()))


def _polynomial(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    made: np.ndarray = (a @ b.T / a.shape[1] + 1) ** 3
    return made
