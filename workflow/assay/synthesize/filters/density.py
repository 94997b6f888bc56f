"""Filter by density: images among many real ones of their class."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

from assay import Option, method
from assay.synthesize.filters.candidates import Candidates


@method(
    "filter",
    "density",
    summary="images with real ones of their class nearby: instance selection, applied to what was made",
    paper="DeVries et al. 2020, arXiv:2007.15255",
    options={
        "neighbours": Option(
            5, "the k-th nearest real image of the class counts; the last of a smaller class", at_least=1
        )
    },
    shapes="features float32 [M,D] and [N,D] -> scores float64 [M]",
)
def density(candidates: Candidates, *, neighbours: int) -> np.ndarray:
    """Minus the distance to the k-th nearest real image of the class, in the judge's features or in pixels.

    It falls as the estimate of density by k neighbours does. A class without real images is taken as it comes.
    """
    scores = np.zeros(len(candidates.labels))
    for label in np.unique(candidates.labels):
        members = candidates.labels == label
        real = candidates.real.features[candidates.real_labels == label]
        if len(real):
            index = NearestNeighbors(n_neighbors=min(neighbours, len(real)), algorithm="brute").fit(real)
            scores[members] = -index.kneighbors(candidates.seen.features[members])[0][:, -1]
    return scores
