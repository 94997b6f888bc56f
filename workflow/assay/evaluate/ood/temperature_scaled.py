"""Maximum softmax probability after temperature scaling (Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.calibration.temperature import Temperature
from assay.evaluate.result import UndefinedError
from assay.study.registry import method


@method(
    "detector",
    "temperature-scaled",
    summary="the largest softmax probability at the temperature that calibrates the validation split, negated",
    paper="Guo et al. 2017, arXiv:1706.04599",
    reads=["val"],
    shapes="logits [N,K] -> scores [N]",
)
class TemperatureScaled:
    """`s(x) = -max_k softmax(z / T)_k` with the T of the calibrator `temperature`, as OpenOOD has it."""

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Find T on the logits [N,K] and labels int64 [N] of validation images.

        Raises:
            UndefinedError: no images, or logits that are not finite.
        """
        if len(logits) == 0 or not np.isfinite(logits).all():
            raise UndefinedError("a temperature needs validation images whose logits are finite")
        self.scaling_ = Temperature()
        self.scaling_.fit(logits, labels)

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to scores float64 [N] in -1..-1/K.

        Raises:
            UndefinedError: a row has no softmax.
        """
        return -self.scaling_.probabilities(logits).max(axis=1)
