"""Defer by the distance of the two largest probabilities (Scheffer et al. 2001, doi:10.1007/3-540-44816-0_31)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.probabilities import probabilities
from assay.study.registry import method


@method(
    "defer",
    "margin",
    summary="confidence is how far the largest probability lies above the next",
    paper="Scheffer et al. 2001, doi:10.1007/3-540-44816-0_31",
    shapes="logits [N,K] -> confidence [N]",
)
class Margin:
    """`p_(1) - p_(2)`, and `p_(1)` where there is one class alone."""

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> None:
        """Learn nothing."""

    def confidence(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to confidences float64 [N].

        Raises:
            UndefinedError: a row has no softmax.
        """
        given = np.sort(probabilities(logits), axis=1)
        result: np.ndarray = given[:, -1] - (given[:, -2] if given.shape[1] > 1 else 0)
        return result
