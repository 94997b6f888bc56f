"""Hierarchical k-means: a sample spread evenly over concepts, however often each occurs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from assay import Option, method
from assay.data.curation import View, amount
from assay.data.kmeans import kmeans
from assay.errors import MethodError


@method(
    "curate",
    "hierarchical-kmeans",
    summary="keep images spread evenly over a tree of clusters",
    paper="Vo et al. 2024, arXiv:2405.15613",
    options={
        "keep": Option(..., "share of the images up to 1, or their number", type=float, above=0),
        "clusters": Option(
            [100, 10], "clusters of each level, the images' first, each fewer than before", item=int, at_least=1
        ),
        "sample": Option("random", "which images of a cluster are kept", choices=["random", "closest"]),
    },
    reads=["features"],
    shapes="features [N,D] -> indices int64 [M]",
)
def hierarchical_kmeans(view: View, *, keep: float, clusters: list[int], sample: str) -> np.ndarray:
    """Cluster the images, then the centres, and so on; divide the budget evenly from the top down (algorithm 1).

    At each node it is split so that min(n, size) sums to the budget: children too small for their part give all they
    have and the others share the rest (section 3.3). Within a cluster of images, `sample` decides. The paper's
    resampling of a level before the next is not done. A level of more clusters than there are points has as many as
    points.

    Raises:
        MethodError: levels that do not shrink, or more images than there are.
    """
    if any(second >= first for first, second in pairwise(clusters)):
        raise MethodError(f"hierarchical-kmeans: clusters must grow fewer from level to level, not {clusters}")
    points = view.features
    leaf = np.arange(len(view))
    levels: list[np.ndarray] = []
    centres = points
    for count in clusters:
        centres, label = kmeans(centres, min(count, len(centres)), view.rng)
        leaf = label[leaf] if levels else label
        levels.append(leaf)
    first = levels[0]
    distance = np.zeros(len(view))
    if sample == "closest":
        means = np.stack([points[first == k].mean(0) for k in range(first.max() + 1)])
        distance = ((points - means[first]) ** 2).sum(1)
    chosen = _sampled(np.arange(len(view)), levels[::-1], amount(keep, len(view)), view.rng, distance)
    view.facts["clusters-kept"] = len(np.unique(first[chosen]))
    return chosen


def _sampled(
    members: np.ndarray, levels: list[np.ndarray], budget: int, rng: np.random.Generator, distance: np.ndarray
) -> np.ndarray:
    """`budget` of the images `members`, evenly over their clusters on the first of `levels`, and so on below."""
    if not levels:
        shuffled = rng.permutation(members)
        return shuffled[np.argsort(distance[shuffled], kind="stable")][:budget]
    own = levels[0][members]
    parts = [members[own == k] for k in np.unique(own)]
    shares = evenly(np.array([len(part) for part in parts]), budget, rng)
    return np.concatenate(
        [_sampled(part, levels[1:], share, rng, distance) for part, share in zip(parts, shares, strict=True)]
    )


def evenly(sizes: np.ndarray, budget: int, rng: np.random.Generator) -> list[int]:
    """How many to take of parts with `sizes`: as equal as can be, none more than it has, together `budget`.

    Chance decides who gets one of the last few that do not go round.
    """
    low, high = 0, int(sizes.max(initial=0))
    while low < high:  # the largest level up to which all can be served
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(sizes, middle).sum() <= budget else (low, middle - 1)
    taken = np.minimum(sizes, low)
    more = rng.permutation(np.flatnonzero(sizes > low))[: budget - int(taken.sum())]
    taken[more] += 1
    return [int(count) for count in taken]
