"""Defer by the free energy (Liu et al. 2020, arXiv:2010.03759)."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from assay.study.registry import Option, method


@method(
    "defer",
    "energy",
    summary="confidence is the log-sum-exp of the logits",
    paper="Liu et al. 2020, arXiv:2010.03759",
    options={"temperature": Option(1.0, "T", above=0)},
    shapes="logits [N,K] -> confidence [N]",
)
class FreeEnergy:
    """`T log sum_k exp(z_k / T)`, the negative free energy."""

    def __init__(self, temperature: float):
        self.temperature = temperature

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> None:
        """Learn nothing."""

    def confidence(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to confidences float64 [N]."""
        scaled = np.asarray(logits, dtype=np.float64) / self.temperature
        result: np.ndarray = self.temperature * logsumexp(scaled, axis=1)
        return result
