"""Gradient coreset: images whose gradients stand for those of their class."""

from __future__ import annotations

import heapq

import numpy as np

from assay import Option, method
from assay.data.curation import View, amount
from assay.errors import MethodError

#: A class of more images would need too large a matrix of similarities.
LARGEST = 20_000


@method(
    "curate",
    "gradient-coreset",
    summary="keep images whose last-layer gradients represent those of their class (CRAIG)",
    paper="Mirzasoleiman et al. 2020, arXiv:1906.01827",
    options={
        "keep": Option(
            ..., "share of the images up to 1, or their number, the same share of each class", type=float, above=0
        )
    },
    reads=["logits"],
    shapes="logits [N,K], labels [N] -> indices int64 [M]",
)
def gradient_coreset(view: View, *, keep: float) -> np.ndarray:
    """Greedy facility location within each class over g_i = softmax(z_i) - y_i (CRAIG, algorithm 1).

    g is the gradient of cross-entropy by the logits, which bounds that by the weights up to a constant (section 3.2).
    The chosen set S maximises F(S) = sum_i max_(j in S) (c - ||g_i - g_j||), c the largest distance. The paper trains
    with each chosen image weighted by those it stands for; here the dataset holds them unweighted.

    Raises:
        MethodError: no logits, more images than there are, or a class too large for its matrix.
    """
    logits = view.logits.astype(np.float64)
    p = np.exp(logits - logits.max(1, keepdims=True))
    gradient = p / p.sum(1, keepdims=True)
    gradient[np.arange(len(view)), view.labels] -= 1
    members = [np.flatnonzero(view.labels == k) for k in np.unique(view.labels)]
    ends = np.cumsum([0, *(len(rows) for rows in members)]) * (amount(keep, len(view)) / max(len(view), 1))
    chosen = [np.zeros(0, np.int64)]
    for rows, count in zip(members, np.diff(np.floor(ends + 0.5).astype(np.int64)), strict=True):
        if len(rows) > LARGEST:
            raise MethodError(
                f"gradient-coreset: a class has {len(rows):,} images, more than the {LARGEST:,} it can hold"
            )
        chosen.append(rows[facility_location(similarity(gradient[rows]), int(count))])
    return np.concatenate(chosen)


def similarity(points: np.ndarray) -> np.ndarray:
    """The largest distance minus each distance, float32 [N,N], of float [N,D]."""
    square = (points**2).sum(1)
    apart = np.sqrt(np.maximum(square[:, None] + square - 2 * points @ points.T, 0)).astype(np.float32)
    np.fill_diagonal(apart, 0)
    return apart.max(initial=0) - apart


def facility_location(alike: np.ndarray, count: int) -> np.ndarray:
    """`count` columns of `alike` [N,N] by greedy choice for sum_i max_(j chosen) alike_ij; the first of equal ones.

    Gains only shrink as more is chosen, so a column is looked at again only while its last gain leads (lazy greedy).
    """
    best = np.zeros(len(alike), np.float64)
    heap = [(-float(gain), column) for column, gain in enumerate(alike.sum(0, dtype=np.float64))]
    heapq.heapify(heap)
    chosen: list[int] = []
    while len(chosen) < count:
        _, column = heapq.heappop(heap)
        gain = float(np.maximum(alike[:, column] - best, 0).sum())
        if heap and (-gain, column) > heap[0]:
            heapq.heappush(heap, (-gain, column))
            continue
        chosen.append(column)
        best = np.maximum(best, alike[:, column])
    return np.array(chosen, np.int64)
