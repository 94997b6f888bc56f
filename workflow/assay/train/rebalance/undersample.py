"""Random undersampling."""

from __future__ import annotations

import numpy as np

from assay import method


@method(
    "rebalance",
    "undersample",
    summary="Leave images of larger classes out until all are as small as the smallest",
    paper="Japkowicz and Stephen 2002, doi:10.3233/IDA-2002-6504",
    shapes="labels [N] -> indices [K * smallest count]",
)
def undersample(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As many images of each class as the smallest has, drawn without replacement and anew for each epoch.

    Over the epochs a network so sees more images than a set that was cut down once, in epochs that are as short.

    Args:
        labels: int64 `[N]`; classes without images are left aside.
        rng: of this epoch.
    """
    classes, counts = np.unique(labels, return_counts=True)
    smallest = int(counts.min())
    return np.concatenate([rng.choice(np.flatnonzero(labels == label), smallest, replace=False) for label in classes])
