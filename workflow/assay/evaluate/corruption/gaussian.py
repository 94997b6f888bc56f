"""A Gaussian filter as scikit-image applies it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter


def smooth(images: np.ndarray, sigma: float, mode: str = "nearest", truncate: float = 4.0) -> np.ndarray:
    """Each image and channel of `[B,H,W,C]` under a Gaussian of `sigma` pixels, cut off at `truncate` sigmas."""
    made: np.ndarray = gaussian_filter(images, (0.0, sigma, sigma, 0.0), mode=mode, truncate=truncate)
    return made
