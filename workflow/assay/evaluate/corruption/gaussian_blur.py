"""Gaussian blur, one of the four extra corruptions."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.gaussian import smooth
from assay.evaluate.corruption.pixels import scaled, stored, unit
from assay.study.registry import method

#: Standard deviation in pixels by severity, at a side of 32.
SIGMA = (0.4, 0.6, 0.7, 0.8, 1.0)


@method(
    "corruption",
    "gaussian-blur",
    summary="a Gaussian filter (extra)",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def gaussian_blur(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """The image under a Gaussian filter; the border is repeated."""
    return stored(smooth(unit(images), scaled(SIGMA[severity - 1], images)))
