"""How often each of the 256 values occurs, from which means and deviations follow exactly."""

from __future__ import annotations

import numpy as np

from assay.data.streamed import Streamed

#: Images at a time: `bincount` makes eight bytes of each one that it is given.
_CHUNK = 256


def value_counts(images: np.ndarray | Streamed) -> np.ndarray:
    """Pixels of each channel with each value: int64 [C,256] of uint8 [N,H,W,C]."""
    counts = np.zeros((images.shape[3], 256), np.int64)
    for start in range(0, len(images), _CHUNK):
        part = images[start : start + _CHUNK]
        for channel, row in enumerate(counts):
            row += np.bincount(part[..., channel].ravel(), minlength=256)
    return counts
