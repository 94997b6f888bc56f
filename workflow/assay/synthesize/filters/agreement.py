"""Filter by agreement: a classifier must see the class that an image was made for."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.synthesize.filters.candidates import Candidates


@method(
    "filter",
    "agreement",
    summary="images in which the judge sees the intended class, the surest first",
    paper="He et al. 2023, arXiv:2210.07574",
    options={"least": Option(0.0, "lowest probability of the intended class", at_least=0, below=1)},
    shapes="probabilities float64 [M,K] -> scores float64 [M]",
    reads=["judge"],
)
def agreement(candidates: Candidates, *, least: float) -> np.ndarray:
    """The judge's probability of the intended class, where that is its first choice.

    The paper asks CLIP; the judge here is a network of the study. What is sure is not therefore varied: look at the
    diversity of what remains.
    """
    probabilities = candidates.seen.probabilities
    assert probabilities is not None
    own = probabilities[np.arange(len(candidates.labels)), candidates.labels]
    right = (probabilities.argmax(1) == candidates.labels) & (own >= least)
    return np.where(right, own, -np.inf)
