"""Random oversampling."""

from __future__ import annotations

import numpy as np

from assay import method


@method(
    "rebalance",
    "oversample",
    summary="Repeat images of smaller classes until all are as large as the largest",
    paper="Japkowicz and Stephen 2002, doi:10.3233/IDA-2002-6504",
    shapes="labels [N] -> indices [K * largest count]",
)
def oversample(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each image of a class comes floor or ceil of `largest / count` times; which ones come once more is drawn.

    Spreading the repeats evenly loses no image in any epoch, unlike draws with replacement.

    Args:
        labels: int64 `[N]`.
        rng: of this epoch.
    """
    classes, counts = np.unique(labels, return_counts=True)
    largest = int(counts.max())
    parts = []
    for label, count in zip(classes, counts, strict=True):
        members = np.flatnonzero(labels == label)
        parts += [np.tile(members, largest // count), rng.choice(members, largest % count, replace=False)]
    return np.concatenate(parts)
