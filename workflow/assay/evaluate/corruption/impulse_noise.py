"""Impulse noise: salt and pepper."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.pixels import field
from assay.study.registry import method

#: Share of the values that are replaced, by severity.
AMOUNT = (0.01, 0.02, 0.03, 0.05, 0.07)


@method(
    "corruption",
    "impulse-noise",
    summary="a few values of pixel and channel become black or white (salt and pepper)",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def impulse_noise(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """Each value is replaced with the probability `AMOUNT`, by 0 or 255 with equal chance."""
    shape = images.shape[1:]
    count = int(np.prod(shape))
    hit = field(draw.uniform(count), *shape) < AMOUNT[severity - 1]
    salt = field(draw.uniform(count), *shape) < 0.5
    return np.where(hit, np.where(salt, 255, 0), images).astype(np.uint8)
