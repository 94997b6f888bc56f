"""Edges by Canny 1986 (doi:10.1109/TPAMI.1986.4767851), as OpenCV finds them with its defaults."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d, label

#: tan(22.5 degrees), below which a gradient counts as horizontal.
_FLAT = float(np.sqrt(2) - 1)


def canny(images: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where there are edges, bool `[B,H,W]`, in images uint8 `[B,H,W]`.

    The gradient is that of Sobel, its size |dx| + |dy|. A pixel is a candidate if its gradient is above `low` and the
    largest across the edge. Candidates stay if they touch, at last, one above `high`.
    """
    numbers = images.astype(np.int64)
    dx, dy = (_sobel(numbers, axis) for axis in (2, 1))
    size = np.abs(dx) + np.abs(dy)
    padded = np.pad(size, ((0, 0), (1, 1), (1, 1)))
    height, width = size.shape[1:]

    def beside(down: int, right: int) -> np.ndarray:
        return padded[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    flat = np.abs(dy) < _FLAT * np.abs(dx)
    steep = np.abs(dy) > (_FLAT + 2) * np.abs(dx)
    falling = (dx < 0) != (dy < 0)
    across = np.select(
        [flat, steep, falling],
        [
            (size > beside(0, -1)) & (size >= beside(0, 1)),
            (size > beside(-1, 0)) & (size >= beside(1, 0)),
            (size > beside(-1, 1)) & (size > beside(1, -1)),
        ],
        (size > beside(-1, -1)) & (size > beside(1, 1)),
    )
    candidates = across & (size > low)
    together = np.zeros((3, 3, 3), bool)
    together[1] = True  # neighbours within an image, none across images
    parts, _ = label(candidates, together)
    strong = np.unique(parts[candidates & (size > high)])
    found: np.ndarray = np.isin(parts, strong) & candidates
    return found


def _sobel(images: np.ndarray, axis: int) -> np.ndarray:
    slope = correlate1d(images, [-1, 0, 1], axis=axis, mode="nearest")
    made: np.ndarray = correlate1d(slope, [1, 2, 1], axis=3 - axis, mode="nearest")
    return made
