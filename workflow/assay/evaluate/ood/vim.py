"""ViM, virtual-logit matching (Wang et al. 2022, arXiv:2203.10807)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp

from assay.evaluate.ood.subspace import ResidualSpace
from assay.study.registry import Option, method


@method(
    "detector",
    "vim",
    summary="a virtual logit, the scaled residual of the features, less the energy of the others",
    paper="Wang et al. 2022, arXiv:2203.10807",
    options={
        "dimension": Option(
            None, "of the principal subspace; 1000 of at least 2048 features, 512 of at least 768, else half", type=int,
            at_least=1, optional=True,
        ),
    },
    reads=["head"],
    shapes="features [N,D], logits [N,K] -> scores [N]",
)  # fmt: skip
class VirtualLogit:
    """`s(x) = alpha || (f - u)^R || - log sum_k exp(z_k)` (equation 7, its logarithm).

    The residual is that of the detector `residual`; `alpha` is the mean largest logit of the train images by their mean
    residual (equation 6), so that the virtual logit has the size of a real one.
    """

    def __init__(self, dimension: int | None):
        self.dimension = dimension

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Find the subspace and `alpha` on the features [N,D] and logits [N,K] of train images.

        Raises:
            MethodError: no features, no head, or `dimension` leaves nothing.
            UndefinedError: no images, features that are not finite, or none that leaves the subspace.
        """
        self.space_ = ResidualSpace().fit("vim", features, head, self.dimension)
        self.alpha_ = float(np.asarray(logits, np.float64).max(axis=1).mean()) / self.space_.mean_

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] and logits [N,K] to scores float64 [N]."""
        virtual = self.alpha_ * self.space_.lengths(features)
        return virtual - np.asarray(logsumexp(np.asarray(logits, np.float64), axis=1))
