"""A plasma fractal by the diamond-square algorithm (Fournier et al. 1982, doi:10.1145/358523.358553)."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.pixels import field


def plasma(side: int, decay: float, draw: Draw) -> np.ndarray:
    """Heights float64 `[B,S,S]` in 0..1, S the power of two at or above `side`, that repeat beyond the border.

    Args:
        side: of the image.
        decay: what the roughness is divided by whenever the distance of the points is halved.
        draw: of the images.
    """
    size = 1 << max(side - 1, 1).bit_length()
    heights = np.zeros((len(draw), size, size))
    step, rough = size, 100.0

    def middle(total: np.ndarray) -> np.ndarray:
        noise = field(draw.uniform(total[0].size), *total.shape[1:]) * 2 - 1
        return total / 4 + rough**2 * noise

    while step >= 2:
        half = step // 2
        corners = heights[:, ::step, ::step]
        along = corners + np.roll(corners, -1, axis=1)
        heights[:, half::step, half::step] = middle(along + np.roll(along, -1, axis=2))
        inner, corners = heights[:, half::step, half::step], heights[:, ::step, ::step]
        above = inner + np.roll(inner, 1, axis=1) + corners + np.roll(corners, -1, axis=2)
        heights[:, ::step, half::step] = middle(above)
        beside = inner + np.roll(inner, 1, axis=2) + corners + np.roll(corners, -1, axis=1)
        heights[:, half::step, ::step] = middle(beside)
        step, rough = half, rough / decay
    heights -= heights.min(axis=(1, 2), keepdims=True)
    return heights / heights.max(axis=(1, 2), keepdims=True)
