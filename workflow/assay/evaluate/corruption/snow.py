"""Snow."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.motion import streaked
from assay.evaluate.corruption.pixels import field, luma, scaled, stored, unit
from assay.evaluate.corruption.zoom import enlarged
from assay.study.registry import method

#: By severity: mean and standard deviation of the noise that flakes are cut from, its enlargement, the threshold above
#: which there is a flake, radius and standard deviation of its fall in pixels at a side of 32, and how much of the
#: image is left as it is.
STRENGTH = (
    (0.1, 0.2, 1.0, 0.6, 8.0, 3.0, 0.95),
    (0.1, 0.2, 1.0, 0.5, 10.0, 4.0, 0.9),
    (0.15, 0.3, 1.75, 0.55, 10.0, 4.0, 0.9),
    (0.25, 0.3, 2.25, 0.6, 12.0, 6.0, 0.85),
    (0.3, 0.3, 1.25, 0.65, 14.0, 12.0, 0.8),
)


@method(
    "corruption",
    "snow",
    summary="falling flakes, and a scene that is whitened",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def snow(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """k x + (1 - k) max(x, 1.5 grey(x) + 0.5), and flakes, once as they are and once turned upside down."""
    mean, deviation, factor, threshold, radius, sigma, kept = STRENGTH[severity - 1]
    made = unit(images)
    height, width = made.shape[1:3]
    noise = mean + deviation * field(draw.normal(height * width), height, width, 1)
    flakes = enlarged(noise, factor)
    flakes = unit(stored(np.where(flakes < threshold, 0.0, flakes)))
    degrees = field(draw.uniform(), 1)[:, 0] * 90 - 135
    flakes = np.round(255 * streaked(flakes, scaled(radius, images), scaled(sigma, images), degrees)) / 255
    made = kept * made + (1 - kept) * np.maximum(made, luma(made) * 1.5 + 0.5)
    return stored(made + flakes + flakes[:, ::-1, ::-1])
