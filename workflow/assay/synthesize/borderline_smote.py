"""Borderline-SMOTE: new images near the border of a class, where a classifier errs."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

from assay import Option, method
from assay.errors import MethodError
from assay.streams import Streams
from assay.synthesize.classwise import Classwise, enough


@method(
    "generator",
    "borderline-smote",
    summary="SMOTE from those images of a class that have most of their neighbours, but not all, in other classes",
    paper="Han et al. 2005, doi:10.1007/11538059_91",
    options={
        "neighbours": Option(5, "nearest images k of the class to draw towards; fewer where it is smaller", at_least=1),
        "surroundings": Option(10, "nearest images m of any class that tell whether one is at the border", at_least=1),
    },
    shapes="labels int64 [M], real images uint8 [N,H,W,C] -> samples uint8 [M,H,W,C]",
)
class BorderlineSmote(Classwise):
    """Borderline-SMOTE1: x + u (x' - x), u uniform in 0..1, x in danger and x' one of its k nearest in the class.

    In danger are images with m / 2 to m - 1 of their m nearest in other classes; those with all m there are noise.
    imbalanced-learn's version is not used, since it makes nothing for a class that has none in danger; here such a
    class draws from all its images, as SMOTE does. Distances are Euclidean over all pixels.
    """

    def __init__(self, *, neighbours: int, surroundings: int):
        self.neighbours, self.surroundings = neighbours, surroundings

    def make(self, flat: np.ndarray, labels: np.ndarray, label: int, count: int, streams: Streams) -> np.ndarray:
        """New rows of one class; see `Classwise.make`."""
        members = np.flatnonzero(labels == label)
        if fault := enough("borderline-smote", label, len(members)):
            raise MethodError(fault)
        own = flat[members]
        chosen = np.flatnonzero(in_danger(flat, labels, members, self.surroundings))
        if not len(chosen):
            print(f"borderline-smote: class number {label} has no image at its border; all its images are drawn from")
            chosen = np.arange(len(members))
        k = min(self.neighbours, len(members) - 1)
        near = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(own).kneighbors()[1][chosen]
        rng = streams.numpy("generator", "borderline-smote", label)
        at = rng.integers(len(chosen), size=count)
        towards = near[at, rng.integers(k, size=count)]
        made: np.ndarray = own[chosen[at]] + rng.random((count, 1)) * (own[towards] - own[chosen[at]])
        return made


def in_danger(flat: np.ndarray, labels: np.ndarray, members: np.ndarray, surroundings: int) -> np.ndarray:
    """Which of the rows `members` int64 [n] have at least half, but not all, of their neighbours in other classes."""
    m = min(surroundings, len(flat) - 1)
    index = NearestNeighbors(n_neighbors=m + 1, algorithm="brute").fit(flat)
    around = index.kneighbors(flat[members])[1]
    # The row itself is among them, unless more than m rows equal it.
    others = np.array([row[row != member][:m] for row, member in zip(around, members, strict=True)])
    foreign = (labels[others] != labels[members][:, None]).sum(1)
    found: np.ndarray = (foreign >= m / 2) & (foreign < m)
    return found
