"""Speckle noise, one of the four extra corruptions."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.pixels import field, stored, unit
from assay.study.registry import method

#: Standard deviation by severity, as a share of the pixel.
SIGMA = (0.06, 0.10, 0.12, 0.16, 0.20)


@method(
    "corruption",
    "speckle-noise",
    summary="normal noise in proportion to the pixel (extra)",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def speckle_noise(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """x (1 + N(0, sigma^2))."""
    shape = images.shape[1:]
    return stored(unit(images) * (1 + SIGMA[severity - 1] * field(draw.normal(int(np.prod(shape))), *shape)))
