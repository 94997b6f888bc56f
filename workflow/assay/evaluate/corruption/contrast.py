"""Contrast."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.pixels import stored, unit
from assay.study.registry import method

#: What is left of the contrast, by severity.
LEFT = (0.75, 0.5, 0.4, 0.3, 0.15)


@method(
    "corruption",
    "contrast",
    summary="pixels move towards the mean of their channel",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def contrast(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """mean + c (x - mean), the mean over each channel of an image."""
    made = unit(images)
    mean = made.mean(axis=(1, 2), keepdims=True)
    return stored((made - mean) * LEFT[severity - 1] + mean)
