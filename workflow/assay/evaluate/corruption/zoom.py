"""The middle of an image, enlarged."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import zoom


def enlarged(images: np.ndarray, factor: float) -> np.ndarray:
    """`[B,H,W,C]`, whose middle fills the whole image after linear interpolation by `factor` >= 1."""
    height, width = images.shape[1:3]
    cut = [math.ceil(side / factor) for side in (height, width)]
    top, left = (height - cut[0]) // 2, (width - cut[1]) // 2
    made = zoom(images[:, top : top + cut[0], left : left + cut[1]], (1, factor, factor, 1), order=1)
    top, left = (made.shape[1] - height) // 2, (made.shape[2] - width) // 2
    return made[:, top : top + height, left : left + width]
