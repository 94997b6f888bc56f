"""No calibration: the softmax as it is."""

from __future__ import annotations

import numpy as np

from assay.evaluate.probabilities import probabilities
from assay.study.registry import method


@method(
    "calibrator",
    "none",
    summary="the softmax as it is, which every other calibrator is compared with",
    shapes="logits [N,K] -> probabilities [N,K]",
)
class Uncalibrated:
    """`p = softmax(z)`."""

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Learn nothing."""

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to probabilities float64 [N,K].

        Raises:
            UndefinedError: a row has no softmax.
        """
        return probabilities(logits)
