"""Small images as PNG."""

from __future__ import annotations

import base64
import io

import numpy as np
from assay.figures.pictures import mosaic, uri
from PIL import Image


def test_a_mosaic_keeps_places_free_that_a_row_lacks() -> None:
    white = np.full((3, 2, 2, 1), 255, np.uint8)
    sheet = mosaic([white, white[:1], white[:0]], columns=3)
    assert sheet.shape == (8, 8, 4)
    assert sheet[0, 0].tolist() == [255, 255, 255, 255]
    assert sheet[3:5, 3:].max() == 0
    assert sheet[6:].max() == 0


def test_a_data_uri_holds_the_pixels() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    held = base64.b64decode(uri(pixels).removeprefix("data:image/png;base64,"))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(held))), pixels)
