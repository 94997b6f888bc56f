"""Relative Mahalanobis distance (Ren et al. 2021, arXiv:2106.09022)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.ood.features import check_features
from assay.evaluate.ood.gaussians import Gaussians
from assay.study.registry import method


@method(
    "detector",
    "relative-mahalanobis",
    summary="the Mahalanobis distance to the nearest class less that to all train images as one",
    paper="Ren et al. 2021, arXiv:2106.09022",
    shapes="features [N,D] -> scores [N]",
)
class RelativeMahalanobis:
    """`s(x) = min_c (M_c(x) - M_0(x))` (equation 2), with `M_c` as in `mahalanobis`.

    `M_0` is the squared distance under one Gaussian with the mean and covariance of all train images, whatever their
    class. What all classes share then counts for nothing. With a single class the score is 0 everywhere.
    """

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Fit both to the features [N,D] of train images with labels int64 [N].

        Raises:
            MethodError: no features.
            UndefinedError: no images, or features that are not finite.
        """
        check_features("relative-mahalanobis", features)
        self.classes_ = Gaussians().fit(features, labels)
        self.all_ = Gaussians().fit(features, np.zeros(len(features), np.int64))

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] to scores float64 [N]."""
        return (self.classes_.distances(features) - self.all_.distances(features)).min(axis=1)
