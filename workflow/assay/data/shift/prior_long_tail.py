"""Class shares at test that fall, or rise, exponentially."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay import Option, method


@method(
    "shift",
    "prior-long-tail",
    summary="the shares of the classes at test fall exponentially from the last class to the first, or the other way",
    paper="Hong et al. 2021, arXiv:2012.00321",
    options={
        "ratio": Option(10.0, "largest share over smallest share", at_least=1),
        "reversed": Option(True, "the last class is the most frequent, against a long tail in train"),
    },
    shapes="counts int64 [K] -> shares float64 [K]",
)
def prior_long_tail(
    counts: np.ndarray,
    classes: Sequence[str],  # noqa: ARG001 - the contract of a shift
    rng: np.random.Generator,  # noqa: ARG001
    *,
    ratio: float,
    reversed: bool,
) -> np.ndarray:
    """Shares in proportion to ratio^(-k / (K - 1)), k from 0 at the most frequent class to K - 1.

    These are the forward and backward test sets of the paper (LADE).

    Args:
        counts: test images of each class, int64 [K].
        classes: names, K of them.
        rng: not used.
        ratio: at least 1; 1 gives all classes the same share.
        reversed: whether k counts from the last class.
    """
    place = np.arange(len(counts)) / max(len(counts) - 1, 1)
    made = float(ratio) ** -(place[::-1] if reversed else place)
    return made / made.sum()
