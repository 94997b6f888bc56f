"""Pixelation."""

from __future__ import annotations

import numpy as np
from PIL import Image

from assay.augment.draw import Draw
from assay.study.registry import method

#: What is left of the side, by severity.
LEFT = (0.95, 0.9, 0.85, 0.75, 0.65)


@method(
    "corruption",
    "pixelate",
    summary="made smaller and large again by boxes",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def pixelate(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """Resized by Pillow's box filter to a share of the side, cut down to whole pixels, and back."""
    height, width = images.shape[1:3]
    small = int(width * LEFT[severity - 1]), int(height * LEFT[severity - 1])
    made = np.empty_like(images)
    for number, image in enumerate(images):
        picture = Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image)
        box = Image.Resampling.BOX
        made[number] = np.asarray(picture.resize(small, box).resize((width, height), box)).reshape(image.shape)
    return made
