"""SMOTE: new images between an image and a neighbour of the same class."""

from __future__ import annotations

import numpy as np
from imblearn.over_sampling import SMOTE

from assay import Option, method
from assay.errors import MethodError
from assay.streams import Streams
from assay.synthesize.classwise import Classwise, enough


@method(
    "generator",
    "smote",
    summary="synthetic minority over-sampling: pixels between an image and one of its nearest neighbours in its class",
    paper="Chawla et al. 2002, doi:10.1613/jair.953",
    options={
        "neighbours": Option(5, "nearest neighbours k to choose from; fewer where a class is smaller", at_least=1)
    },
    shapes="labels int64 [M], real images uint8 [N,H,W,C] -> samples uint8 [M,H,W,C]",
)
class Smote(Classwise):
    """x + u (x' - x) with u uniform in 0..1, x an image of the class and x' one of its k nearest in the class.

    Distances are Euclidean over all pixels. The sampling is that of imbalanced-learn.
    """

    def __init__(self, *, neighbours: int):
        self.neighbours = neighbours

    def make(self, flat: np.ndarray, labels: np.ndarray, label: int, count: int, streams: Streams) -> np.ndarray:
        """New rows of one class; see `Classwise.make`."""
        own = flat[labels == label]
        if fault := enough("smote", label, len(own)):
            raise MethodError(fault)
        neighbours = min(self.neighbours, len(own) - 1)
        if neighbours < self.neighbours:
            print(f"smote: class number {label} has {len(own)} images, so k is {neighbours}, not {self.neighbours}")
        sampler = SMOTE(
            sampling_strategy={1: len(own) + count},
            k_neighbors=neighbours,
            random_state=streams.seed("generator", "smote", label) % 2**32,
        )
        # Neighbours come from the class alone; a second class is there because the library asks for one.
        rows = np.concatenate([own, np.zeros_like(flat[:1])])
        made: np.ndarray = sampler.fit_resample(rows, np.append(np.ones(len(own), int), 0))[0][len(rows) :]
        return made
