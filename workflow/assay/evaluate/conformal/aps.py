"""Adaptive prediction sets (Romano et al. 2020, arXiv:2006.02544)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.conformal.quantile import conformal_quantile
from assay.evaluate.conformal.scores import adaptive, of_labels
from assay.study.registry import Option, method


@method(
    "conformal",
    "aps",
    summary="the most probable classes until their summed probability reaches a threshold",
    paper="Romano et al. 2020, arXiv:2006.02544",
    options={
        "randomised": Option(True, "split the last class by chance, which makes coverage exact instead of too high")
    },
    shapes="probabilities [N,K] -> sets bool [N,K]",
)
class AdaptiveSets:
    """Score `(sum of p_k over classes more probable than y) + u p_y`; the set holds the classes that score at most q.

    With `randomised`, u is uniform on [0, 1) and fixed by the image's id; without it u = 1, and coverage and sets are
    larger. Classes of equal probability are taken in the order of their number. A set may be empty.
    """

    def __init__(self, randomised: bool):
        self.randomised = randomised

    def fit(self, probabilities: np.ndarray, labels: np.ndarray, alpha: float, draws: np.ndarray) -> None:
        """Find q on probabilities [N,K] and labels int64 [N] of the validation split, with draws [N] in [0, 1)."""
        scores = self._scores(probabilities, draws)
        self.threshold_ = conformal_quantile(of_labels(scores, labels), alpha)

    def sets(self, probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Probabilities [N,K], with draws [N] in [0, 1), to sets bool [N,K]."""
        return self._scores(probabilities, draws) <= self.threshold_

    def _scores(self, probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
        return adaptive(probabilities, draws if self.randomised else np.ones(len(probabilities)))
