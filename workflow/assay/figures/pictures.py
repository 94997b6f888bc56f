"""Small images as PNG, one pixel a pixel."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image


def png(pixels: np.ndarray) -> bytes:
    """A PNG file of uint8 [H,W], [H,W,3] or [H,W,4]."""
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG", optimize=True)
    return held.getvalue()


def uri(pixels: np.ndarray) -> str:
    """The same as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


def mosaic(rows: Sequence[np.ndarray], columns: int, gap: int = 1) -> np.ndarray:
    """Rows of images, each uint8 [N,H,W,C] with an N of its own up to `columns`, to one picture, uint8 [h,w,4] (RGBA).

    Gaps, and the places that a short row leaves, are transparent.
    """
    height, width = rows[0].shape[1:3]
    sheet = np.zeros((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 4), np.uint8)
    for down, row in enumerate(rows):
        for across, image in enumerate(row):
            place = sheet[down * (height + gap) :, across * (width + gap) :][:height, :width]
            place[..., :3] = image
            place[..., 3] = 255
    return sheet


def by_class(images: np.ndarray, labels: np.ndarray, classes: Sequence[int], columns: int) -> list[np.ndarray]:
    """The first `columns` images of each of `classes`, a row a class: [n,H,W,C] each, n may be 0."""
    return [images[np.flatnonzero(labels == one)[:columns]] for one in classes]
