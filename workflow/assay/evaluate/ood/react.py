"""ReAct (Sun et al. 2021, arXiv:2111.12797)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.ood.features import check_features, check_head, energy
from assay.study.registry import Option, method


@method(
    "detector",
    "react",
    summary="the energy of the logits that the head makes of features cut off at a quantile",
    paper="Sun et al. 2021, arXiv:2111.12797",
    options={
        "quantile": Option(
            0.9, "of all train features, at which features are cut off; the paper uses 0.9", at_least=0, at_most=1,
            grid=[0.85, 0.9, 0.95, 0.99],
        ),
    },
    reads=["head"],
    shapes="features [N,D] -> scores [N]",
)  # fmt: skip
class ReAct:
    """`s(x) = -log sum_k exp((W min(f, c) + b)_k)` with c the quantile of all features of all train images."""

    def __init__(self, quantile: float):
        self.quantile = quantile

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Find c on the features [N,D] of train images.

        Raises:
            MethodError: no features, or no head.
            UndefinedError: no images, or features that are not finite.
        """
        check_features("react", features)
        self.head_ = check_head("react", head)
        self.threshold_ = float(np.quantile(features, self.quantile))

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] to scores float64 [N]."""
        return energy(np.minimum(features, self.threshold_), *self.head_)
