"""A fraction of each class, written down one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay import Option, method
from assay.data.alter.names import number_of


@method(
    "imbalance",
    "fractions",
    summary="a fraction of the images of each class that is named, another of all others",
    options={
        "keep": Option(..., "class -> fraction of its images to keep", type=dict, item=float, at_least=0, at_most=1),
        "others": Option(1.0, "fraction to keep of a class that is not named", at_least=0, at_most=1),
    },
    shapes="counts int64 [K] -> counts to keep int64 [K]",
)
def fractions(counts: np.ndarray, classes: Sequence[str], *, keep: dict[str, float], others: float) -> np.ndarray:
    """Counts floor(f_k n_k); a class that has images and a fraction above 0 keeps at least 1.

    Args:
        counts: images of each class, int64 [K].
        classes: names, K of them.
        keep: class name -> fraction, in [0, 1].
        others: in [0, 1].

    Raises:
        MethodError: a class that there is not.
    """
    fraction = np.full(len(counts), float(others))
    for name, value in keep.items():
        fraction[number_of(name, classes, "imbalance.keep")] = value
    # The small term keeps floor from turning 50 into 49 where the product is a rounding error short of it.
    wanted = np.floor(fraction * counts + 1e-9).astype(np.int64)
    return np.where(fraction > 0, np.minimum(np.maximum(wanted, 1), counts), 0)
