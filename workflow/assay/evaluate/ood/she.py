"""SHE, simplified Hopfield energy (Zhang et al. 2023, ICLR, openreview:KkazG4lgKL)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.ood.features import check_features
from assay.evaluate.result import UndefinedError
from assay.study.registry import method


@method(
    "detector",
    "she",
    summary="the inner product of the features with the mean features of the predicted class, negated",
    paper="Zhang et al. 2023, openreview:KkazG4lgKL",
    shapes="features [N,D], logits [N,K] -> scores [N]",
)
class SimplifiedHopfieldEnergy:
    """`s(x) = -f(x)^T S_y` with y the predicted class and `S_y` the mean features of its train images.

    As in the paper the mean is over the train images of the class that are classified rightly. A class without any has
    no pattern; an image is then taken for the likeliest of the classes that have one.
    """

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """The patterns, from the features [N,D], logits [N,K] and labels int64 [N] of train images.

        Raises:
            MethodError: no features.
            UndefinedError: no images, features that are not finite, or no image classified rightly.
        """
        check_features("she", features)
        right = np.asarray(logits).argmax(axis=1) == labels
        self.classes_ = np.unique(labels[right])
        if not len(self.classes_):
            raise UndefinedError("no train image is classified rightly, so that no class has a pattern")
        self.patterns_ = np.stack(
            [features[right & (labels == one)].mean(axis=0, dtype=np.float64) for one in self.classes_]
        )

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] and logits [N,K] to scores float64 [N]; NaN where a logit is NaN."""
        known = np.asarray(logits)[:, self.classes_]
        products = np.asarray(features, np.float64) @ self.patterns_.T
        found = -np.take_along_axis(products, known.argmax(axis=1)[:, None], axis=1)[:, 0]
        found[np.isnan(known).any(axis=1)] = np.nan
        return np.asarray(found)
