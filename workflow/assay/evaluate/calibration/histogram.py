"""Histogram binning (Zadrozny & Elkan 2001)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.calibration.one_vs_rest import OneVsRest
from assay.study.registry import Option, method


@method(
    "calibrator",
    "histogram",
    summary="a class's probability becomes how often it was right in its bin of the validation split, normalised",
    paper="Zadrozny & Elkan 2001; Guo et al. 2017, arXiv:1706.04599, section 4.1",
    options={"bins": Option(15, "bins of equal mass of each class's probability", at_least=1)},
    shapes="logits [N,K] -> probabilities [N,K]",
)
class Histogram(OneVsRest):
    """For each class bins that hold equally many validation images; a bin's value is the share of them in the class.

    Equal probabilities share a bin. The upper end of a bin belongs to it, and the last bin has none.
    """

    words = "histogram binning"

    def __init__(self, bins: int):
        self.bins = bins

    def fit_one(self, given: np.ndarray, member: np.ndarray) -> Any:
        """Upper ends [M - 1] of the bins but the last, and values [M]."""
        ranks = np.ceil(np.arange(1, self.bins + 1) * len(given) / self.bins).astype(np.int64)
        ends = np.unique(np.sort(given)[ranks - 1])
        bin_of = np.searchsorted(ends, given, side="left")
        return ends[:-1], np.bincount(bin_of, member, len(ends)) / np.bincount(bin_of, minlength=len(ends))

    def map_one(self, learnt: Any, given: np.ndarray) -> np.ndarray:
        """Probabilities [N] to the values of their bins."""
        ends, values = learnt
        found: np.ndarray = values[np.searchsorted(ends, given, side="left")]
        return found
