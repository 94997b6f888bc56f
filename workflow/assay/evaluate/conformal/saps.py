"""Sorted adaptive prediction sets (Huang et al. 2024, arXiv:2310.06430)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.conformal.quantile import conformal_quantile
from assay.evaluate.conformal.scores import of_labels, ranked
from assay.study.registry import Option, method


@method(
    "conformal",
    "saps",
    summary="adaptive sets by rank: of the probabilities only the largest counts, the rest add a constant each",
    paper="Huang et al. 2024, arXiv:2310.06430",
    options={
        "weight": Option(0.2, "lambda, what each class after the first adds to the score", at_least=0),
        "randomised": Option(True, "split the last class by chance, which makes coverage exact instead of too high"),
    },
    shapes="probabilities [N,K] -> sets bool [N,K]",
)
class SortedAdaptiveSets:
    """Score `u p_max` for the most probable class, and `p_max + (r_k - 2 + u) lambda` for the one at place r_k > 1.

    Equation 8 of the paper; u is the image's draw, or 1 without `randomised`. lambda is an option and not tuned on the
    split that sets the threshold. A set may be empty.
    """

    def __init__(self, weight: float, randomised: bool):
        self.weight = weight
        self.randomised = randomised

    def fit(self, probabilities: np.ndarray, labels: np.ndarray, alpha: float, draws: np.ndarray) -> None:
        """Find the threshold on probabilities [N,K] and labels int64 [N] of the validation split, with draws [N]."""
        self.threshold_ = conformal_quantile(of_labels(self._scores(probabilities, draws), labels), alpha)

    def sets(self, probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Probabilities [N,K], with draws [N] in [0, 1), to sets bool [N,K]."""
        return self._scores(probabilities, draws) <= self.threshold_

    def _scores(self, probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
        places, _ = ranked(probabilities)
        largest = probabilities.max(axis=1, keepdims=True)
        share = draws[:, None] if self.randomised else 1.0
        return np.where(places == 0, share * largest, largest + (places - 1 + share) * self.weight)
