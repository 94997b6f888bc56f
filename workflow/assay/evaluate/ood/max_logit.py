"""Maximum logit (Hendrycks et al. 2022, arXiv:1911.11132)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.study.registry import method


@method(
    "detector",
    "max-logit",
    summary="the largest logit, negated",
    paper="Hendrycks et al. 2022, arXiv:1911.11132",
    shapes="logits [N,K] -> scores [N]",
)
class MaximumLogit:
    """`s(x) = -max_k z_k`."""

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Learn nothing."""

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to scores float64 [N]; a logit of +inf gives -inf."""
        return -np.asarray(logits, np.float64).max(axis=1)
