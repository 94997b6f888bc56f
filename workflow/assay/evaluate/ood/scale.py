"""SCALE (Xu et al. 2024, arXiv:2310.00227)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.ood.features import check_features, check_head, energy
from assay.evaluate.ood.shaping import concentration, largest
from assay.study.registry import Option, method


@method(
    "detector",
    "scale",
    summary="the energy of the logits that the head makes of features scaled by how much few of them hold",
    paper="Xu et al. 2024, arXiv:2310.00227",
    options={
        "pruned": Option(
            0.85, "share of an image's features that `S_k` leaves out, the smallest ones; the paper uses 0.85",
            at_least=0, below=1, grid=[0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95],
        ),
    },
    reads=["head"],
    shapes="features [N,D] -> scores [N]",
)  # fmt: skip
class Scale:
    """`s(x) = -log sum_k exp((W f exp(r) + b)_k)` with `r = S / S_k` (equation 6).

    S is the sum of an image's features and `S_k` that of its k largest. Unlike in `ash` nothing is pruned.
    """

    def __init__(self, pruned: float):
        self.pruned = pruned

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Learn nothing but the head.

        Raises:
            MethodError: no features, or no head.
            UndefinedError: no images, or features that are not finite.
        """
        check_features("scale", features)
        self.head_ = check_head("scale", head)

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] to scores float64 [N].

        Raises:
            UndefinedError: negative features.
        """
        ratio = concentration(features, largest(features, self.pruned))
        return energy(features * np.exp(ratio)[:, None], *self.head_)
