"""Isotonic calibration (Zadrozny & Elkan 2002, doi:10.1145/775047.775151)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression

from assay.evaluate.calibration.one_vs_rest import OneVsRest
from assay.study.registry import method


@method(
    "calibrator",
    "isotonic",
    summary="the best non-decreasing map of each class's probability on the validation split, normalised",
    paper="Zadrozny & Elkan 2002, doi:10.1145/775047.775151",
    shapes="logits [N,K] -> probabilities [N,K]",
)
class Isotonic(OneVsRest):
    """For each class the non-decreasing f with the least `sum (f(p_i) - [y_i = k])^2`; linear between what was seen.

    Equal probabilities are pooled first, and beyond those seen the map stays as at its ends.
    """

    words = "isotonic calibration"

    def fit_one(self, given: np.ndarray, member: np.ndarray) -> Any:
        """The places [M] and values [M] of the map."""
        places, index, count = np.unique(given, return_inverse=True, return_counts=True)
        means = np.bincount(index, member) / count
        return places, isotonic_regression(means, weights=count).x

    def map_one(self, learnt: Any, given: np.ndarray) -> np.ndarray:
        """Probabilities [N] through the map."""
        return np.interp(given, *learnt)
