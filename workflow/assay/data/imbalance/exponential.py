"""Long-tailed classes: counts that fall exponentially from the first class to the last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay import Option, method


@method(
    "imbalance",
    "exponential",
    summary="long tail: the count of class k falls exponentially from the first class to the last",
    paper="Cui et al. 2019, arXiv:1901.05555",
    options={"ratio": Option(10.0, "largest count over smallest count", at_least=1)},
    shapes="counts int64 [K] -> counts to keep int64 [K]",
)
def exponential(
    counts: np.ndarray,
    classes: Sequence[str],
    *,
    ratio: float,
) -> np.ndarray:
    """Counts of the long-tailed profile of Cui et al. (section 5.1), used for CIFAR-LT since.

    n_k = floor(n_max ratio^(-k / (K - 1))) with n_max the largest of `counts`; at least 1, at most what there is.

    Args:
        counts: images of each class, int64 [K].
        classes: names, K of them.
        ratio: n_0 / n_(K-1), at least 1; 1 keeps everything.
    """
    exponent = -np.arange(len(classes)) / max(len(classes) - 1, 1)
    # The small term keeps floor from turning 50 into 49 where the power is a rounding error short of it.
    wanted = np.floor(counts.max() * float(ratio) ** exponent + 1e-9).astype(np.int64)
    return np.minimum(np.maximum(wanted, 1), counts)
