"""DICE (Sun & Li 2022, arXiv:2111.09805)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.ood.features import check_features, check_head, energy
from assay.study.registry import Option, method


@method(
    "detector",
    "dice",
    summary="the energy of the logits of a head with the weights alone that contribute most",
    paper="Sun & Li 2022, arXiv:2111.09805",
    options={
        "sparsity": Option(
            0.9, "share of the head's weights that become 0; the paper uses 0.9 for CIFAR-10", at_least=0, at_most=1,
            grid=[0.1, 0.3, 0.5, 0.7, 0.9],
        ),
    },
    reads=["head"],
    shapes="features [N,D] -> scores [N]",
)  # fmt: skip
class DirectedSparsification:
    """`s(x) = -log sum_k exp(((M * W) f + b)_k)`.

    `V = E[f] * W` is what each weight contributes on average over the train images (equation 3), and the mask M keeps
    the weights whose contribution is above the given quantile of all.
    """

    def __init__(self, sparsity: float):
        self.sparsity = sparsity

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Mask the head by the mean of the features [N,D] of train images.

        Raises:
            MethodError: no features, or no head.
            UndefinedError: no images, or features that are not finite.
        """
        check_features("dice", features)
        weight, bias = check_head("dice", head)
        contribution = features.mean(axis=0, dtype=np.float64) * weight
        mask = contribution > np.quantile(contribution, self.sparsity)
        self.head_ = (weight * mask, bias)

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] to scores float64 [N]."""
        return energy(features, *self.head_)
