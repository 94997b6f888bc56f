"""The trivial prediction set: every class."""

from __future__ import annotations

import numpy as np

from assay.study.registry import method


@method(
    "conformal",
    "all-labels",
    summary="every class, always; covers everything and says nothing",
    shapes="probabilities [N,K] -> sets bool [N,K]",
)
class AllLabels:
    """The set of all classes, which any other method must beat in size."""

    def fit(self, probabilities: np.ndarray, labels: np.ndarray, alpha: float, draws: np.ndarray) -> None:
        """Learn nothing."""

    def sets(self, probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Probabilities [N,K] to sets bool [N,K], all true."""
        return np.ones(probabilities.shape, dtype=bool)
