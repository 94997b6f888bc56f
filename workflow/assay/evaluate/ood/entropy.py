"""Entropy of the softmax (Chan et al. 2021, arXiv:2012.06575)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import entr

from assay.evaluate.probabilities import probabilities
from assay.study.registry import method


@method(
    "detector",
    "entropy",
    summary="the entropy of the softmax probabilities",
    paper="Chan et al. 2021, arXiv:2012.06575",
    shapes="logits [N,K] -> scores [N]",
)
class Entropy:
    """`s(x) = -sum_k p_k log p_k` in nats, with `p = softmax(z)` and `0 log 0 = 0`."""

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Learn nothing."""

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to scores float64 [N] in 0..log K.

        Raises:
            UndefinedError: a row has no softmax.
        """
        return np.asarray(entr(probabilities(logits)).sum(axis=1))
