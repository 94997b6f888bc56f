"""Defer by the entropy of the probabilities (Shannon 1948)."""

from __future__ import annotations

import numpy as np
from scipy.special import entr

from assay.evaluate.probabilities import probabilities
from assay.study.registry import method


@method(
    "defer",
    "entropy",
    summary="confidence is minus the entropy of the probabilities",
    paper="Lakshminarayanan et al. 2017, arXiv:1612.01474",
    shapes="logits [N,K] -> confidence [N]",
)
class Entropy:
    """`sum_k p_k log p_k`, in nats."""

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> None:
        """Learn nothing."""

    def confidence(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to confidences float64 [N].

        Raises:
            UndefinedError: a row has no softmax.
        """
        result: np.ndarray = -entr(probabilities(logits)).sum(axis=1)
        return result
