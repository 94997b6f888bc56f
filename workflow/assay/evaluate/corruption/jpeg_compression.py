"""JPEG compression."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from assay.augment.draw import Draw
from assay.study.registry import method

#: Quality of the encoder, by severity.
QUALITY = (80, 65, 58, 50, 40)


@method(
    "corruption",
    "jpeg-compression",
    summary="encoded and decoded by Pillow at a low quality",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def jpeg_compression(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """What is left of each image after JPEG."""
    made = np.empty_like(images)
    for number, image in enumerate(images):
        file = io.BytesIO()
        picture = Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image)
        picture.save(file, "JPEG", quality=QUALITY[severity - 1])
        made[number] = np.asarray(Image.open(file)).reshape(image.shape)
    return made
