"""Residual (Wang et al. 2022, arXiv:2203.10807): ViM without the logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.ood.subspace import ResidualSpace
from assay.study.registry import Option, method


@method(
    "detector",
    "residual",
    summary="how far the features lie outside the principal subspace of the train images",
    paper="Wang et al. 2022, arXiv:2203.10807",
    options={
        "dimension": Option(
            None, "of the principal subspace; 1000 of at least 2048 features, 512 of at least 768, else half", type=int,
            at_least=1, optional=True,
        ),
    },
    reads=["head"],
    shapes="features [N,D] -> scores [N]",
)  # fmt: skip
class Residual:
    """`s(x) = || (f - u)^R ||`, the length of what lies in the residual space of `assay.evaluate.ood.subspace`."""

    def __init__(self, dimension: int | None):
        self.dimension = dimension

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Find the subspace of the features [N,D] of train images.

        Raises:
            MethodError: no features, no head, or `dimension` leaves nothing.
            UndefinedError: no images, features that are not finite, or none that leaves the subspace.
        """
        self.space_ = ResidualSpace().fit("residual", features, head, self.dimension)

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] to scores float64 [N] of at least 0."""
        return self.space_.lengths(features)
