"""Class-conditional conformal sets: a threshold for each class (Vovk et al. 2005, Mondrian)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.conformal.quantile import conformal_quantile
from assay.evaluate.conformal.scores import SCORES, of_labels
from assay.study.registry import Option, method


@method(
    "conformal",
    "class-conditional",
    summary="a threshold for each class, so that coverage is promised class by class; large sets for rare classes",
    paper="Vovk 2012, arXiv:1209.2673",
    options={"score": Option("lac", "the score of a class: that of `lac` or `aps`", choices=["lac", "aps"])},
    shapes="probabilities [N,K] -> sets bool [N,K]",
)
class ClassConditional:
    """The set holds class k when its score is at most the conformal quantile of class k's own validation images.

    Coverage of at least 1 - alpha is promised for the images of every class. A class with fewer than 1/alpha - 1
    validation images is in every set.
    """

    def __init__(self, score: str):
        self.score = SCORES[score]

    def fit(self, probabilities: np.ndarray, labels: np.ndarray, alpha: float, draws: np.ndarray) -> None:
        """Find each class's threshold on probabilities [N,K] and labels int64 [N] of the validation split."""
        own = of_labels(self.score(probabilities, draws), labels)
        self.thresholds_ = np.array(
            [conformal_quantile(own[labels == number], alpha) for number in range(probabilities.shape[1])]
        )

    def sets(self, probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Probabilities [N,K], with draws [N] in [0, 1), to sets bool [N,K]."""
        held: np.ndarray = self.score(probabilities, draws) <= self.thresholds_
        return held
