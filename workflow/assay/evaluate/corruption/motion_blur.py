"""Motion blur: the camera moves."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.motion import streaked
from assay.evaluate.corruption.pixels import field, scaled, unit
from assay.study.registry import method

#: Radius and standard deviation in pixels at a side of 32, by severity.
STRENGTH = ((6.0, 1.0), (6.0, 1.5), (6.0, 2.0), (8.0, 2.0), (9.0, 2.5))


@method(
    "corruption",
    "motion-blur",
    summary="each image is drawn out in a direction within 45 degrees of the horizontal",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def motion_blur(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """One half of a Gaussian along a line at an angle from -45 to 45 degrees, rounded as ImageMagick rounds."""
    radius, sigma = (scaled(length, images) for length in STRENGTH[severity - 1])
    degrees = field(draw.uniform(), 1)[:, 0] * 90 - 45
    return np.round(255 * streaked(unit(images), radius, sigma, degrees)).astype(np.uint8)
