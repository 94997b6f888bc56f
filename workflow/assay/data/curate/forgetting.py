"""Forgetting events: images that the model learns once and for all are taken out first."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.curation import View, amount, highest


@method(
    "curate",
    "forgetting",
    summary="keep the images that training learnt and forgot most often, or never learnt",
    paper="Toneva et al. 2019, arXiv:1812.05159",
    options={"keep": Option(..., "share of the images up to 1, or their number", type=float, above=0)},
    reads=["dynamics"],
    shapes="correct [E,N] -> indices int64 [M]",
)
def forgetting(view: View, *, keep: float) -> np.ndarray:
    """Count the times an image was right and, when drawn next, wrong; keep those with most (algorithm 1 and section 3).

    An image that was never right counts as forgotten without end. Chance decides among equal counts.

    Raises:
        MethodError: nobody watched a training, or more images than there are.
    """
    return highest(events(view.dynamics.correct, view.dynamics.margin), amount(keep, len(view)), view.rng)


def events(correct: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """Forgetting events of each image, float64 [N]; infinite for those never right.

    Args:
        correct: bool [E,N].
        margin: float [E,N], NaN where an image was not drawn.
    """
    count = np.zeros(correct.shape[1])
    before = np.zeros(correct.shape[1], bool)
    ever = np.zeros(correct.shape[1], bool)
    for right, drawn in zip(correct, np.isfinite(margin), strict=True):
        count += drawn & before & ~right
        before = np.where(drawn, right, before)
        ever |= drawn & right
    return np.where(ever, count, np.inf)
