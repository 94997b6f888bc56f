"""ASH (Djurisic et al. 2023, arXiv:2209.09858)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.ood.features import check_features, check_head, energy
from assay.evaluate.ood.shaping import concentration, largest
from assay.study.registry import Option, method


@method(
    "detector",
    "ash",
    summary="the energy of the logits that the head makes of pruned and scaled features",
    paper="Djurisic et al. 2023, arXiv:2209.09858",
    options={
        "variant": Option(
            "s", "what becomes of features that stay: `p` they are left, `b` all become equal, `s` they are scaled",
            choices=["p", "b", "s"],
        ),
        "pruned": Option(
            0.9, "share of an image's features that become 0, the smallest ones; 0.9 is the paper's ASH-S@90",
            at_least=0, below=1, grid=[0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95],
        ),
    },
    reads=["head"],
    shapes="features [N,D] -> scores [N]",
)  # fmt: skip
class ActivationShaping:
    """`s(x) = -log sum_k exp((W g + b)_k)`, with g the features shaped by one of algorithms 1 to 3.

    With S the sum of an image's features, of which the k largest stay and sum up to `S_k`: variant `p` keeps these as
    they are, `b` sets each to `S / k`, `s` multiplies each by `exp(S / S_k)`. Everything else becomes 0. The features
    are those of the last layer, after pooling.
    """

    def __init__(self, variant: str, pruned: float):
        self.variant = variant
        self.pruned = pruned

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Learn nothing but the head.

        Raises:
            MethodError: no features, or no head.
            UndefinedError: no images, or features that are not finite.
        """
        check_features("ash", features)
        self.head_ = check_head("ash", head)

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] to scores float64 [N].

        Raises:
            UndefinedError: with variant `s`, negative features.
        """
        places = largest(features, self.pruned)
        kept = np.take_along_axis(features, places, axis=1).astype(np.float64)
        if self.variant == "s":
            kept *= np.exp(concentration(features, places))[:, None]
        elif self.variant == "b":
            kept[:] = features.sum(axis=1, dtype=np.float64)[:, None] / places.shape[1]
        shaped = np.zeros(features.shape)
        np.put_along_axis(shaped, places, kept, axis=1)
        return energy(shaped, *self.head_)
