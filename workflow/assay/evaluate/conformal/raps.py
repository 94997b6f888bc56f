"""Regularised adaptive prediction sets (Angelopoulos et al. 2021, arXiv:2009.14193)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.conformal.quantile import conformal_quantile
from assay.evaluate.conformal.scores import of_labels, ranked
from assay.study.registry import Option, method


@method(
    "conformal",
    "raps",
    summary="adaptive sets that pay for each class beyond the first few, which cuts off long tails",
    paper="Angelopoulos et al. 2021, arXiv:2009.14193",
    options={
        "penalty": Option(0.01, "lambda, what each further class adds to the score", at_least=0),
        "free": Option(5, "k_reg, classes that cost nothing", at_least=0),
        "randomised": Option(True, "split the last class by chance, which makes coverage exact instead of too high"),
    },
    shapes="probabilities [N,K] -> sets bool [N,K]",
)
class RegularisedAdaptiveSets:
    """Score `(sum of p over classes more probable than k) + u p_k + lambda max(0, r_k - k_reg)`.

    r_k is the place of the class, 1 for the most probable. lambda and k_reg are options and not tuned on the split that
    sets the threshold; with `lambda = 0` this is `aps`. Without `randomised` u is 1. A set may be empty.
    """

    def __init__(self, penalty: float, free: int, randomised: bool):
        self.penalty = penalty
        self.free = free
        self.randomised = randomised

    def fit(self, probabilities: np.ndarray, labels: np.ndarray, alpha: float, draws: np.ndarray) -> None:
        """Find the threshold on probabilities [N,K] and labels int64 [N] of the validation split, with draws [N]."""
        self.threshold_ = conformal_quantile(of_labels(self._scores(probabilities, draws), labels), alpha)

    def sets(self, probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Probabilities [N,K], with draws [N] in [0, 1), to sets bool [N,K]."""
        return self._scores(probabilities, draws) <= self.threshold_

    def _scores(self, probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
        places, before = ranked(probabilities)
        part = draws[:, None] * probabilities if self.randomised else probabilities
        scores: np.ndarray = before + part + self.penalty * np.maximum(0, places + 1 - self.free)
        return scores
