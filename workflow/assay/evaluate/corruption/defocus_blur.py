"""Defocus blur."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import convolve, correlate1d

from assay.augment.draw import Draw
from assay.evaluate.corruption.pixels import scaled, stored, unit
from assay.study.registry import method

#: Radius of the disk and standard deviation of the filter that softens it, in pixels at a side of 32, by severity.
STRENGTH = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))


@method(
    "corruption",
    "defocus-blur",
    summary="a soft disk in the place of each point",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def defocus_blur(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """The image under the disk; the border is mirrored."""
    kernel = disk(*(scaled(length, images) for length in STRENGTH[severity - 1]))
    return stored(convolve(unit(images), kernel[None, :, :, None], mode="mirror"))


def disk(radius: float, sigma: float) -> np.ndarray:
    """The pixels within `radius` of the middle, of the sum 1, under a Gaussian of 3 by 3 pixels: float64 [S,S]."""
    reach = int(radius) + 1
    places = np.arange(-reach, reach + 1)
    inside = (places[:, None] ** 2 + places**2 <= radius**2).astype(float)
    weights = np.exp(-np.array([1.0, 0.0, 1.0]) / (2 * sigma**2))
    softened = inside / inside.sum()
    for axis in (0, 1):
        softened = correlate1d(softened, weights / weights.sum(), axis=axis, mode="constant")
    return softened
