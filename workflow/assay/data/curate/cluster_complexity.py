"""Density-based pruning: clusters that are wide and far from others keep more of their images."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.curation import View, amount
from assay.data.kmeans import kmeans, means


@method(
    "curate",
    "cluster-complexity",
    summary="keep more images of clusters that are wide and far from others, the least typical ones of each",
    paper="Abbas et al. 2024, arXiv:2401.04578",
    options={
        "keep": Option(..., "share of the images up to 1, or their number", type=float, above=0),
        "clusters": Option(100, "number of clusters", at_least=1),
        "neighbours": Option(20, "nearest clusters over which the distance to others is averaged", at_least=1),
        "temperature": Option(0.1, "of the softmax over complexities", above=0),
    },
    reads=["features"],
    shapes="features [N,D] -> indices int64 [M]",
)
def cluster_complexity(view: View, *, keep: float, clusters: int, neighbours: int, temperature: float) -> np.ndarray:
    """C_j = d_inter(j) d_intra(j), and a share of the budget by softmax(C / temperature) (equations 1 and 2).

    On features of length 1 and with cosine distance, d_intra(j) is the mean distance of a cluster's images to its
    centre and d_inter(j) that of its centre to the nearest other centres. No cluster can give more than it has: the
    closest shares (in squares) between 1 and its size that sum to the budget are taken (the paper's quadratic
    programme). Within a cluster the images furthest from the centre are kept.

    Raises:
        MethodError: more images than there are.
    """
    points = _unit(view.features.astype(np.float64))
    _, label = kmeans(points, min(clusters, len(points)), view.rng)
    centres = _unit(means(points, label, int(label.max()) + 1))
    distance = 1 - (points * centres[label]).sum(1)
    sizes = np.bincount(label)
    complexity = inter(centres, neighbours) * np.bincount(label, distance) / sizes
    shares = allotted(complexity, sizes, amount(keep, len(view)), temperature)
    order = np.lexsort((np.arange(len(label)), -distance, label))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    kept = [order[start : start + share] for start, share in zip(starts, shares, strict=True)]
    return np.concatenate(kept)


def _unit(points: np.ndarray) -> np.ndarray:
    return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)


def inter(centres: np.ndarray, neighbours: int) -> np.ndarray:
    """Mean cosine distance of each centre to its nearest others, float64 [k]; 1 where there is no other."""
    if len(centres) < 2:
        return np.ones(len(centres))
    apart = 1 - centres @ centres.T
    np.fill_diagonal(apart, np.inf)
    return np.sort(apart, axis=1)[:, : min(neighbours, len(centres) - 1)].mean(1)


def allotted(complexity: np.ndarray, sizes: np.ndarray, budget: int, temperature: float) -> np.ndarray:
    """How many images each cluster keeps: int64 [k], at most `sizes`, together `budget`.

    The solution of min sum (x_j - P_j budget)^2 over 1 <= x_j <= sizes_j (0 where the budget is less than the number of
    clusters) with sum x = budget is clip(P_j budget + s) for one s, found by halving; then whole numbers by largest
    remainders.
    """
    weight = np.exp((complexity - complexity.max()) / temperature)
    wanted = weight / weight.sum() * budget
    least = np.ones(len(sizes)) if budget >= len(sizes) else np.zeros(len(sizes))
    low, high = -float(budget) - 1, float(budget) + float(sizes.max())
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(wanted + middle, least, sizes).sum() < budget else (low, middle)
    exact = np.clip(wanted + high, least, sizes)
    whole = np.floor(exact + 1e-9).astype(np.int64)
    rest = budget - int(whole.sum())
    room = np.flatnonzero(whole < sizes)
    order = room[np.argsort(-(exact - whole)[room], kind="stable")]
    whole[order[:rest]] += 1
    return whole
