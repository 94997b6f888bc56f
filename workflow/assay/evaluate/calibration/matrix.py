"""Matrix scaling (Guo et al. 2017, arXiv:1706.04599, section 4.2)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.calibration.vectors import bound_note, chosen, fit_matrix, needed
from assay.evaluate.probabilities import probabilities
from assay.study.registry import Option, method


@method(
    "calibrator",
    "matrix",
    summary="a linear map of the logits fitted on the validation split; overfits with many classes",
    paper="Guo et al. 2017, arXiv:1706.04599",
    options={
        "penalty": Option(
            [0.0],
            "strengths of ODIR (Kull et al. 2019) from which validation images in five parts choose; 0 is Guo et al.'s",
            item=float,
            at_least=0,
        ),
    },
    shapes="logits [N,K] -> probabilities [N,K]",
)
class Matrix:
    """`p = softmax(W z + b)` with the W [K,K] and b [K] that maximise the penalised likelihood of validation labels.

    Parameters stay within -20..20; `note_` says where one ends there.

    Attributes:
        weight_, intercept_: W and b.
        fitted_: `{"penalty": number}`.
        note_: why a parameter is at its bound, or None.
    """

    def __init__(self, penalty: list[float]):
        self.penalties = penalty

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Find W and b on logits [N,K] and labels int64 [N] of the validation split.

        Raises:
            MethodError: no images, or logits that are not finite.
        """
        logits = needed("matrix scaling", logits)
        penalty = chosen(logits, labels, self.penalties)
        self.weight_, self.intercept_ = fit_matrix(logits, labels, penalty)
        self.fitted_ = {"penalty": penalty}
        self.note_ = bound_note(self.weight_, self.intercept_)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to probabilities float64 [N,K].

        Raises:
            UndefinedError: a row has no softmax.
        """
        # Not W z for an infinite z, which has 0 times infinity in it: such a row has no softmax to begin with.
        logits = np.asarray(logits, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            return probabilities(logits @ self.weight_.T + self.intercept_)
