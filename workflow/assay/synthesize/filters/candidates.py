"""What a filter sees: images that a generator offers, and the real ones beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.synthesize.looks import Looks


@dataclass
class Candidates:
    """Images that are offered.

    Attributes:
        labels: int64 [M], the class that each was made for.
        seen: what the judge sees in them.
        real: what it sees in the train images.
        real_labels: int64 [N], of these.
    """

    labels: np.ndarray
    seen: Looks
    real: Looks
    real_labels: np.ndarray


def taken(scores: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Indices of the images that are taken, rising, int64: in each class those with the highest scores.

    Args:
        scores: float [M]; minus infinity is never taken.
        labels: int64 [M].
        wanted: int64 [K], how many of each class; fewer are taken where fewer may be.
    """
    chosen: list[Any] = []
    for label, count in enumerate(wanted.tolist()):
        members = np.flatnonzero((labels == label) & (scores > -np.inf))
        chosen += members[np.argsort(-scores[members], kind="stable")][:count].tolist()
    return np.array(sorted(chosen), np.int64)
