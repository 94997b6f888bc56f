"""One Gaussian for each class, all with the same covariance, as several detectors fit them."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

from assay.evaluate.ood.features import BLOCK


class Gaussians:
    """Means of the classes and the covariance within them.

    Attributes:
        means_: float64 [C,D], of the classes that have train images.
        whitening_: float64 [D,R] with `C^+ = whitening_ whitening_^T`, the pseudo-inverse of the covariance C. It
            ignores the directions in which the train images do not vary.
    """

    def fit(self, features: np.ndarray, labels: np.ndarray) -> Gaussians:
        """Fit to the features [N,D] of N >= 1 train images with labels int64 [N]; equal labels make one Gaussian."""
        classes, member = np.unique(labels, return_inverse=True)
        self.means_ = np.stack(
            [features[member == number].mean(axis=0, dtype=np.float64) for number in range(len(classes))]
        )
        dimension = features.shape[1]
        total, size = np.zeros((dimension, dimension)), np.zeros(dimension)
        for start in range(0, len(features), BLOCK):
            part = slice(start, start + BLOCK)
            block = np.asarray(features[part], np.float64)
            centred = block - self.means_[member[part]]
            total += centred.T @ centred
            size = np.maximum(size, np.abs(block).max(axis=0))
        # Rounding lets a feature that is the same in all images vary by its last digits.
        still = np.sqrt(np.diag(total) / len(features)) <= 1e-7 * size
        total[still] = 0.0
        total[:, still] = 0.0
        variances, directions = eigh(total / len(features))
        kept = variances > dimension * np.finfo(np.float64).eps * max(variances.max(), 0.0)
        self.whitening_ = directions[:, kept] / np.sqrt(variances[kept])
        return self

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Squared Mahalanobis distances float64 [N,C] of features [N,D] to the mean of each class."""
        white = np.asarray(features, np.float64) @ self.whitening_
        found = np.empty((len(features), len(self.means_)))
        for number, mean in enumerate(self.means_ @ self.whitening_):
            centred = white - mean
            found[:, number] = np.einsum("nr,nr->n", centred, centred)
        return found
