"""The middle of an image, enlarged."""

from __future__ import annotations

import math

import numpy as np


def enlarged(images: np.ndarray, factor: float) -> np.ndarray:
    """`[B,H,W,C]`, whose middle fills the whole image after linear interpolation by `factor` >= 1."""
    down, right = (_weights(side, factor) for side in images.shape[1:3])
    batch, height, width, channels = images.shape
    made = (down @ images.reshape(batch, height, width * channels)).reshape(batch * height, width, channels)
    return (right @ made).reshape(images.shape)


def _weights(side: int, factor: float) -> np.ndarray:
    """What each pixel along a side takes from each, float64 `[side,side]`.

    Of the `side` pixels the middle ones are stretched so that their first and last stay at the ends, as
    `scipy.ndimage.zoom` does, and the middle of these is kept.
    """
    cut = math.ceil(side / factor)
    stretched = round(cut * factor)
    places = (np.arange(side) + (stretched - side) // 2) * (cut - 1) / max(stretched - 1, 1)
    # Rounding may take the last place beyond the last pixel.
    low = np.clip(np.floor(places).astype(int), 0, max(cut - 2, 0))
    share = places - low
    weights = np.zeros((side, side))
    start, rows = (side - cut) // 2, np.arange(side)
    np.add.at(weights, (rows, start + low), 1 - share)
    np.add.at(weights, (rows, start + np.minimum(low + 1, cut - 1)), share)
    return weights
