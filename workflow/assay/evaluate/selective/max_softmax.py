"""Defer by the largest probability (Geifman & El-Yaniv 2017, arXiv:1705.08500)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.probabilities import probabilities
from assay.study.registry import method


@method(
    "defer",
    "max-softmax",
    summary="confidence is the largest probability",
    paper="Geifman & El-Yaniv 2017, arXiv:1705.08500",
    shapes="logits [N,K] -> confidence [N]",
)
class MaxSoftmax:
    """`max_k softmax(z)_k`."""

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> None:
        """Learn nothing."""

    def confidence(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to confidences float64 [N].

        Raises:
            UndefinedError: a row has no softmax.
        """
        return probabilities(logits).max(axis=1)
