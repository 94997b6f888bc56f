"""Gaussian noise."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.pixels import field, stored, unit
from assay.study.registry import method

#: Standard deviation by severity, of pixels in 0..1.
SIGMA = (0.04, 0.06, 0.08, 0.09, 0.10)


@method(
    "corruption",
    "gaussian-noise",
    summary="normal noise, drawn for each pixel and channel",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def gaussian_noise(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """x + N(0, sigma^2)."""
    shape = images.shape[1:]
    return stored(unit(images) + SIGMA[severity - 1] * field(draw.normal(int(np.prod(shape))), *shape))
