"""Beta calibration (Kull et al. 2017, AISTATS, PMLR 54:623-631)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from assay.evaluate.calibration.one_vs_rest import OneVsRest
from assay.study.registry import method

#: Probabilities are kept this far from 0 and 1, and coefficients no larger than this.
MARGIN, BOUND = 1e-12, 100.0


@method(
    "calibrator",
    "beta",
    summary="three numbers for each class's probability, right where it is beta-distributed in and out of the class",
    paper="Kull et al. 2017, PMLR 54:623-631",
    shapes="logits [N,K] -> probabilities [N,K]",
)
class Beta(OneVsRest):
    """`q = 1 / (1 + exp(-(a ln p - b ln(1 - p) + c)))` with a, b >= 0, by maximum likelihood; then normalised.

    With `a = b = 1, c = 0` it is the identity. The loss is convex; the coefficients stay within 100, where a class that
    its probability tells apart without error would drive them on.
    """

    words = "beta calibration"

    def fit_one(self, given: np.ndarray, member: np.ndarray) -> Any:
        """The coefficients (a, b, c)."""
        inputs, sign = _inputs(given), np.where(member, 1.0, -1.0)

        def loss(coefficients: np.ndarray) -> tuple[float, np.ndarray]:
            margins = sign * (inputs @ coefficients)
            slope = -(sign * expit(-margins)) @ inputs / len(sign)
            return float(np.logaddexp(0, -margins).mean()), slope

        found = minimize(
            loss,
            np.array([1.0, 1.0, 0.0]),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, BOUND), (0, BOUND), (-BOUND, BOUND)],
            options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-9},
        )
        return found.x

    def map_one(self, learnt: Any, given: np.ndarray) -> np.ndarray:
        """Probabilities [N] through the curve."""
        result: np.ndarray = expit(_inputs(given) @ learnt)
        return result


def _inputs(given: np.ndarray) -> np.ndarray:
    safe = np.clip(given, MARGIN, 1 - MARGIN)
    return np.stack([np.log(safe), -np.log1p(-safe), np.ones(len(safe))], axis=1)
