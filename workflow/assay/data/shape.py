"""Giving images the height, width and channels of another dataset."""

from __future__ import annotations

import numpy as np
from PIL import Image


def match(images: np.ndarray, height: int, width: int, channels: int) -> np.ndarray:
    """Resize (bilinear with antialiasing) and convert grey to RGB or back (ITU-R 601 luma).

    Args:
        images: uint8 [N,H,W,C].
        height: of the result.
        width: of the result.
        channels: 1 or 3.

    Returns:
        uint8 [N,height,width,channels]; the same array when nothing is to be done.
    """
    if images.shape[1:] == (height, width, channels):
        return images
    out = np.empty((len(images), height, width, channels), np.uint8)
    mode = "L" if channels == 1 else "RGB"
    for index, image in enumerate(images):
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).convert(mode)
        if picture.size != (width, height):
            picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        out[index] = np.asarray(picture).reshape(height, width, channels)
    return out
