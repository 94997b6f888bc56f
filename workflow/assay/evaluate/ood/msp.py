"""Maximum softmax probability (Hendrycks & Gimpel 2017, arXiv:1610.02136)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.probabilities import probabilities
from assay.study.registry import method


@method(
    "detector",
    "msp",
    summary="the largest softmax probability, negated; the baseline of every detector",
    paper="Hendrycks & Gimpel 2017, arXiv:1610.02136",
    shapes="logits [N,K] -> scores [N]",
)
class MaximumSoftmaxProbability:
    """`s(x) = -max_k softmax(z)_k`."""

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Learn nothing."""

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to scores float64 [N] in -1..-1/K.

        Raises:
            UndefinedError: a row has no softmax.
        """
        return -probabilities(logits).max(axis=1)
