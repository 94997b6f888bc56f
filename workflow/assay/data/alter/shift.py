"""Other class shares at test than in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from assay.data.alter.thin import class_order
from assay.data.apportion import remainders
from assay.data.dataset import Split
from assay.errors import MethodError
from assay.streams import Streams

Shift = Callable[[np.ndarray, Sequence[str], np.random.Generator], np.ndarray]


def resample(split: Split, classes: list[str], shift: Shift, streams: Streams) -> Split:
    """As many images as there are in the class shares that `shift` asks for, drawn without replacement.

    With n_k images of class k and shares p_k it is floor(min_k n_k / p_k) images. Images of no class are left out.

    Raises:
        MethodError: shares that are none, or of a class that has no images.
    """
    orders = class_order(split, classes, streams, "shift")
    counts = np.array([len(order) for order in orders], np.int64)
    shares = np.asarray(shift(counts.copy(), tuple(classes), streams.numpy("alteration", "shift", "shares")))
    if shares.shape != counts.shape or not (shares >= 0).all() or not np.isclose(shares.sum(), 1):
        raise MethodError(f"shift: expected shares of {len(classes)} classes that sum to 1, not {shares.tolist()}")
    missing = [name for name, share, count in zip(classes, shares, counts, strict=True) if share > 0 and not count]
    if missing:
        raise MethodError(f"shift: the test split has no image of {', '.join(missing)} to give it a share")
    asked = shares > 0
    # The small term keeps floor from turning 50 into 49 where the quotient is a rounding error short of it.
    total = int(np.floor((counts[asked] / shares[asked]).min() + 1e-9))
    wanted = np.minimum(remainders(shares, total), counts)
    return split.take(np.sort(np.concatenate([order[:n] for order, n in zip(orders, wanted, strict=True)])))
