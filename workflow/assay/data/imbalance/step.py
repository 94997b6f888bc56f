"""Step imbalance: some classes are rare, all equally."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay import Option, method


@method(
    "imbalance",
    "step",
    summary="the last classes are all equally rare, the others keep their images",
    paper="Buda et al. 2018, arXiv:1710.05381",
    options={
        "ratio": Option(10.0, "count of a frequent class over count of a rare one", at_least=1),
        "minority": Option(0.5, "fraction of the classes that are rare, rounded down", above=0, below=1),
    },
    shapes="counts int64 [K] -> counts to keep int64 [K]",
)
def step(
    counts: np.ndarray,
    classes: Sequence[str],
    *,
    ratio: float,
    minority: float,
) -> np.ndarray:
    """Counts of step imbalance (Buda et al., section 3.2): the last floor(minority K) classes keep n_max / ratio.

    Args:
        counts: images of each class, int64 [K].
        classes: names, K of them.
        ratio: at least 1; 1 keeps everything.
        minority: fraction of rare classes, in (0, 1).
    """
    rare = int(minority * len(classes) + 1e-9)
    wanted = np.full(len(classes), counts.max())
    wanted[len(classes) - rare :] = int(counts.max() / ratio + 1e-9)
    return np.minimum(np.maximum(wanted, 1), counts)
