"""Energy score (Liu et al. 2020, arXiv:2010.03759)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp

from assay.study.registry import Option, method


@method(
    "detector",
    "energy",
    summary="the free energy of the logits",
    paper="Liu et al. 2020, arXiv:2010.03759",
    options={"temperature": Option(1.0, "T; the paper uses 1", above=0)},
    shapes="logits [N,K] -> scores [N]",
)
class Energy:
    """`s(x) = E(x; T) = -T log sum_k exp(z_k / T)` (equation 4). As T tends to 0 it is the negated largest logit."""

    def __init__(self, temperature: float):
        self.temperature = temperature

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Learn nothing."""

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to scores float64 [N]; a logit of +inf gives -inf."""
        scaled = np.asarray(logits, dtype=np.float64) / self.temperature
        return -self.temperature * np.asarray(logsumexp(scaled, axis=1))
