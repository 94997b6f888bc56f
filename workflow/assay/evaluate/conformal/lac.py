"""Least ambiguous set-valued classifier (Sadinle et al. 2019, arXiv:1609.00451), also known as THR."""

from __future__ import annotations

import numpy as np

from assay.evaluate.conformal.quantile import conformal_quantile
from assay.evaluate.conformal.scores import least, of_labels
from assay.study.registry import method


@method(
    "conformal",
    "lac",
    summary="the classes whose probability exceeds one threshold; the smallest sets on average",
    paper="Sadinle et al. 2019, arXiv:1609.00451",
    shapes="probabilities [N,K] -> sets bool [N,K]",
)
class LeastAmbiguous:
    """Score `1 - p_y`; the set holds every class whose score is at most the calibration quantile.

    A set may be empty.
    """

    def fit(self, probabilities: np.ndarray, labels: np.ndarray, alpha: float, draws: np.ndarray) -> None:
        """Find the threshold on probabilities [N,K] and labels int64 [N] of the validation split."""
        self.threshold_ = conformal_quantile(of_labels(least(probabilities, draws), labels), alpha)

    def sets(self, probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Probabilities [N,K] to sets bool [N,K]."""
        return least(probabilities, draws) <= self.threshold_
