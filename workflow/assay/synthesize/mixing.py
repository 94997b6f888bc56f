"""Mixing: new images between any two real ones of a class."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.errors import MethodError
from assay.streams import Streams
from assay.synthesize.classwise import Classwise, enough


@method(
    "generator",
    "mixing",
    summary="pixels between two random images of a class: mixup within classes, made beforehand",
    paper="Zhang et al. 2018, arXiv:1710.09412",
    options={"alpha": Option(1.0, "of the beta distribution that the share is drawn from", above=0)},
    shapes="labels int64 [M], real images uint8 [N,H,W,C] -> samples uint8 [M,H,W,C]",
)
class Mixing(Classwise):
    """u x + (1 - u) x' with u from Beta(alpha, alpha), x and x' two different images of the class.

    Unlike SMOTE, x' is any image of the class; unlike mixup, both have one label. The baseline that tells what
    SMOTE's neighbours bring.
    """

    def __init__(self, *, alpha: float):
        self.alpha = alpha

    def make(self, flat: np.ndarray, labels: np.ndarray, label: int, count: int, streams: Streams) -> np.ndarray:
        """New rows of one class; see `Classwise.make`."""
        own = flat[labels == label]
        if fault := enough("mixing", label, len(own)):
            raise MethodError(fault)
        rng = streams.numpy("generator", "mixing", label)
        first = rng.integers(len(own), size=count)
        second = (first + rng.integers(1, len(own), size=count)) % len(own)
        share = rng.beta(self.alpha, self.alpha, (count, 1))
        made: np.ndarray = share * own[first] + (1 - share) * own[second]
        return made
