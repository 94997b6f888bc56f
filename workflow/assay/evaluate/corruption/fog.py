"""Fog."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.pixels import stored, unit
from assay.evaluate.corruption.plasma import plasma
from assay.study.registry import method

#: How thick it is, and how fast its roughness falls with the scale, by severity.
STRENGTH = ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75))


@method(
    "corruption",
    "fog",
    summary="a plasma fractal laid over the image",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def fog(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """(x + c plasma) m / (m + c), m the brightest value of the image."""
    thickness, decay = STRENGTH[severity - 1]
    made = unit(images)
    height, width = made.shape[1:3]
    brightest = made.max(axis=(1, 2, 3), keepdims=True)
    cloud = plasma(max(height, width), decay, draw)[:, :height, :width, None]
    return stored((made + thickness * cloud) * brightest / (brightest + thickness))
