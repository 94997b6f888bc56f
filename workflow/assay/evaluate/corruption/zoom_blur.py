"""Zoom blur: the camera comes nearer."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.pixels import stored, unit
from assay.evaluate.corruption.zoom import enlarged
from assay.study.registry import method

#: The end of the range of factors from 1 in steps of 0.01, by severity.
END = (1.06, 1.11, 1.16, 1.21, 1.26)


@method(
    "corruption",
    "zoom-blur",
    summary="the mean of the image and of itself enlarged bit by bit",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def zoom_blur(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """(x + sum of x enlarged by each factor) / (factors + 1)."""
    factors = np.arange(1, END[severity - 1], 0.01)
    made = unit(images)
    total = made.copy()
    for factor in factors:
        total += enlarged(made, float(factor))
    return stored(total / (len(factors) + 1))
