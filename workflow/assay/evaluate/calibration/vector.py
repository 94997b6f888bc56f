"""Vector scaling (Guo et al. 2017, arXiv:1706.04599, section 4.2)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.calibration.vectors import bound_note, fit_diagonal, needed
from assay.evaluate.probabilities import probabilities
from assay.study.registry import method


@method(
    "calibrator",
    "vector",
    summary="a factor and an intercept for each class's logit, fitted on the validation split",
    paper="Guo et al. 2017, arXiv:1706.04599",
    shapes="logits [N,K] -> probabilities [N,K]",
)
class Vector:
    """`p = softmax(w * z + b)` with the w [K] and b [K] that maximise the likelihood of the validation labels.

    The loss is convex, so the fit depends on no step size. Parameters stay within -20..20; `note_` says where one ends
    there.

    Attributes:
        weight_, intercept_: w and b.
        note_: why a parameter is at its bound, or None.
    """

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Find w and b on logits [N,K] and labels int64 [N] of the validation split.

        Raises:
            MethodError: no images, or logits that are not finite.
        """
        self.weight_, self.intercept_ = fit_diagonal(needed("vector scaling", logits), labels)
        self.note_ = bound_note(self.weight_, self.intercept_)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to probabilities float64 [N,K].

        Raises:
            UndefinedError: a row has no softmax.
        """
        return probabilities(np.asarray(logits, dtype=np.float64) * self.weight_ + self.intercept_)
