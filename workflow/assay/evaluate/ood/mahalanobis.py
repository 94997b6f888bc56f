"""Mahalanobis distance to the nearest class (Lee et al. 2018, arXiv:1807.03888), on the features of the last layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.ood.features import check_features
from assay.evaluate.ood.gaussians import Gaussians
from assay.study.registry import method


@method(
    "detector",
    "mahalanobis",
    summary="the Mahalanobis distance to the nearest class mean under one covariance for all classes",
    paper="Lee et al. 2018, arXiv:1807.03888",
    shapes="features [N,D] -> scores [N]",
)
class Mahalanobis:
    """`s(x) = min_c (f(x) - m_c)^T C^-1 (f(x) - m_c)` with class means `m_c` and covariance C within the classes.

    Equations 1 and 2 on the penultimate features alone: neither the perturbation of the input nor the ensemble over
    layers of the paper (for that see `mahalanobis-layers`). Where C is singular (features that never vary, or more of
    them than train images) its pseudo-inverse stands in, which ignores the directions in which the train images do not
    vary.
    """

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Means and covariance of the features [N,D] of train images, with labels int64 [N].

        A class without train images has no mean and is left out.

        Raises:
            MethodError: no features.
            UndefinedError: no images, or features that are not finite.
        """
        check_features("mahalanobis", features)
        self.classes_ = Gaussians().fit(features, labels)

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] to scores float64 [N], squared distances of at least 0."""
        return self.classes_.distances(features).min(axis=1)
