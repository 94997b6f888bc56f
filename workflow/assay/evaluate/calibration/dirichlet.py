"""Dirichlet calibration with ODIR (Kull et al. 2019, arXiv:1910.12656)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.calibration.vectors import bound_note, chosen, fit_matrix, needed
from assay.evaluate.probabilities import log_probabilities, probabilities
from assay.study.registry import Option, method

#: Log-probabilities are cut off here, as those of probabilities that a double can barely tell from 0.
LOWEST = -700.0


@method(
    "calibrator",
    "dirichlet",
    summary="a linear map of the log-probabilities, pulled towards a diagonal one, fitted on the validation split",
    paper="Kull et al. 2019, arXiv:1910.12656",
    options={
        "penalty": Option(
            [0.01, 0.1, 1.0, 10.0],
            "strengths of the pull (off-diagonal weights and intercepts alike) from which validation images in five "
            "parts choose",
            item=float,
            at_least=0,
        ),
    },
    shapes="logits [N,K] -> probabilities [N,K]",
)
class Dirichlet:
    """`q = softmax(W log p + b)`, p the softmax, which is right where p given a class is Dirichlet-distributed.

    The penalty is `lambda (mean of w_ij^2 over i != j + mean of b_j^2)`; the paper's two strengths are one here.
    Parameters stay within -20..20; `note_` says where one ends there.

    Attributes:
        weight_, intercept_: W [K,K] and b [K].
        fitted_: `{"penalty": lambda}`.
        note_: why a parameter is at its bound, or None.
    """

    def __init__(self, penalty: list[float]):
        self.penalties = penalty

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Find W and b on logits [N,K] and labels int64 [N] of the validation split.

        Raises:
            MethodError: no images, or logits that are not finite.
        """
        logs = _logs(needed("Dirichlet calibration", logits))
        penalty = chosen(logs, labels, self.penalties)
        self.weight_, self.intercept_ = fit_matrix(logs, labels, penalty)
        self.fitted_ = {"penalty": penalty}
        self.note_ = bound_note(self.weight_, self.intercept_)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to probabilities float64 [N,K].

        Raises:
            UndefinedError: a row has no softmax.
        """
        return probabilities(_logs(logits) @ self.weight_.T + self.intercept_)


def _logs(logits: np.ndarray) -> np.ndarray:
    return np.maximum(log_probabilities(logits), LOWEST)
