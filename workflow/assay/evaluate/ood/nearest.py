"""Exact search for the largest inner products with a bank of vectors, in memory that neither side's number changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

#: Vectors of the two sides whose products are held at once, in single precision: 64 MB.
ROWS, COLUMNS = 256, 65_536


def largest_products(
    queries: np.ndarray, bank: np.ndarray, k: int, prepare: Callable[[np.ndarray, int], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The k largest products of each query with the bank: values float32 [N,k] and places int64 [N,k], in no order.

    Args:
        queries: float32 [N,D].
        bank: [M,D] with M >= k; read by blocks.
        k: how many.
        prepare: what makes float32 [B,D] of a block [B,D] and the place where it starts, such as unit lengths.
    """
    if not len(queries):
        return np.empty((0, k), np.float32), np.empty((0, k), np.int64)
    values = np.empty((len(queries), 0), np.float32)
    places = np.empty((len(queries), 0), np.int64)
    for start in range(0, len(bank), COLUMNS):
        block = prepare(bank[start : start + COLUMNS], start).T
        found = [_largest(queries[row : row + ROWS] @ block, k) for row in range(0, len(queries), ROWS)]
        values = np.concatenate([values, np.concatenate([some for some, _ in found])], axis=1)
        places = np.concatenate([places, np.concatenate([where for _, where in found]) + start], axis=1)
        values, kept = _largest(values, k)
        places = np.take_along_axis(places, kept, axis=1)
    return values, places


def _largest(products: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    # torch selects several times faster than NumPy's partition does.
    values, places = torch.from_numpy(products).topk(min(k, products.shape[1]), dim=1, sorted=False)
    return values.numpy(), places.numpy()


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows float32 [N,D] at unit length; a row of zeros stays zero."""
    lengths = np.linalg.norm(np.asarray(vectors, np.float64), axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
