"""KL matching (Hendrycks et al. 2022, arXiv:1911.11132)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import xlogy

from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import UndefinedError
from assay.study.registry import method


@method(
    "detector",
    "kl-matching",
    summary="the divergence of the softmax from the nearest of the classes' typical ones",
    paper="Hendrycks et al. 2022, arXiv:1911.11132",
    reads=["val"],
    shapes="logits [N,K] -> scores [N]",
)
class KLMatching:
    """`s(x) = min_k KL(p || d_k)` with `p = softmax(z)` and `d_k` the mean softmax of the images predicted as k.

    The means are those of the validation split, as in the paper; its labels are not looked at. A class that no
    validation image is predicted as has no `d_k` and is left out.
    """

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Mean probabilities by predicted class, from the logits [N,K] of validation images.

        Raises:
            UndefinedError: no images, or a row that has no softmax.
        """
        if len(logits) == 0:
            raise UndefinedError("there are no validation images to take typical probabilities from")
        found = probabilities(logits)
        predicted = found.argmax(axis=1)
        self.typical_ = np.stack([found[predicted == k].mean(axis=0) for k in np.unique(predicted)])

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to scores float64 [N] of at least 0, infinite where p has a class that no `d_k` has.

        Raises:
            UndefinedError: a row has no softmax.
        """
        found = probabilities(logits)
        never = self.typical_ == 0
        cross = found @ np.log(np.where(never, 1.0, self.typical_)).T
        divergence = xlogy(found, found).sum(axis=1, keepdims=True) - cross
        divergence[(found > 0).astype(float) @ never.T > 0] = np.inf
        return np.maximum(divergence.min(axis=1), 0.0)
