"""Glass blur: as through frosted glass."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.gaussian import smooth
from assay.evaluate.corruption.pixels import scaled, stored, unit
from assay.study.registry import method

#: Standard deviation in pixels at a side of 32, and how often pixels are moved, by severity.
STRENGTH = ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))


@method(
    "corruption",
    "glass-blur",
    summary="pixels take the place of their neighbours, between two Gaussian filters",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def glass_blur(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """Blur, let each inner pixel be that above, to the left, both, or itself, and blur again.

    The paper swaps pixels. The authors' code, which made CIFAR-10-C, writes through a view and so copies the neighbour
    and leaves it where it was; this does the same. It goes from the last pixel to the first and looks back, so that
    all pixels of one round can be moved at once.
    """
    sigma, rounds = STRENGTH[severity - 1]
    sigma = scaled(sigma, images)
    made = stored(smooth(unit(images), sigma))
    batch, height, width, _ = made.shape
    rows, columns = np.mgrid[0:height, 0:width]
    inner = (rows >= 2) & (columns >= 2)
    which = np.arange(batch)[:, None, None]
    for _ in range(rounds):
        right, down = (draw.integers(-1, 1, height * width).cpu().numpy().reshape(made.shape[:3]) for _ in range(2))
        made = made[which, rows + down * inner, columns + right * inner]
    return stored(smooth(unit(made), sigma))
