"""Mahalanobis distance to the nearest class (Lee et al. 2018, arXiv:1807.03888), on the features of the last layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import pinvh

from assay.errors import MethodError
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
    layers of the paper. Where C is singular (features that never vary, or more of them than train images) its
    pseudo-inverse stands in, which ignores the directions in which the train images do not vary.
    """

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Means and covariance of the features [N,D] of train images, with labels int64 [N].

        A class without train images has no mean and is left out.

        Raises:
            MethodError: no features, or some that are not finite.
        """
        if features.shape[1] == 0:
            raise MethodError("mahalanobis needs the features of the predictions, which were not kept")
        features = np.asarray(features, dtype=np.float64)
        if len(features) == 0 or not np.isfinite(features).all():
            raise MethodError("mahalanobis needs finite features of at least one train image")
        classes, member = np.unique(labels, return_inverse=True)
        self.means_ = np.stack([features[member == number].mean(axis=0) for number in range(len(classes))])
        centred = features - self.means_[member]
        self.precision_ = pinvh(centred.T @ centred / len(features))

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] to scores float64 [N], squared distances of at least 0."""
        features = np.asarray(features, dtype=np.float64)
        nearest = np.full(len(features), np.inf)
        for mean in self.means_:
            centred = features - mean
            nearest = np.minimum(nearest, np.einsum("nd,nd->n", centred @ self.precision_, centred))
        return nearest
