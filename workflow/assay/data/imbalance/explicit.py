"""Class counts written down one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay import Option, method
from assay.data.alter.names import number_of


@method(
    "imbalance",
    "explicit",
    summary="so many images of each class that is named, all of the others",
    options={"keep": Option(..., "class -> images to keep", type=dict, item=int, at_least=0)},
    shapes="counts int64 [K] -> counts to keep int64 [K]",
)
def explicit(counts: np.ndarray, classes: Sequence[str], *, keep: dict[str, int]) -> np.ndarray:
    """Counts as they are written; asking for more than there are is an error of the caller.

    Args:
        counts: images of each class, int64 [K].
        classes: names, K of them.
        keep: class name -> images to keep.

    Raises:
        MethodError: a class that there is not.
    """
    made = counts.copy()
    for name, count in keep.items():
        made[number_of(name, classes, "imbalance.keep")] = count
    return made
