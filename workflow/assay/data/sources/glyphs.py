"""Letters rendered from a font: strokes like handwritten digits, but none of them a digit."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from assay import Option, method
from assay.data.given import Given
from assay.data.raw import Raw, numbered
from assay.errors import MethodError

#: Capitals less those that a digit resembles: B 8, D 0, G 6, I 1, J 1, O 0, Q 0, S 5, Z 2.
LETTERS = "ACEFHKLMNPRTUVWXY"
FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf")
#: Letters are drawn this many times larger and averaged down, so that even 8 pixels show smooth strokes.
OVERSAMPLING = 8


@method(
    "source",
    "glyphs",
    summary="capital letters in DejaVu fonts, bright on dark, slightly turned and shifted, shaped like another dataset",
    paper="DejaVu fonts, https://dejavu-fonts.github.io",
    options={"count": Option(680, "images, spread evenly over the letters", at_least=1)},
    shapes="images uint8 [count,H,W,C] with H, W, C of `like`; labels int64 [count] of 17 letters",
)
def glyphs(given: Given, *, count: int) -> Raw:
    """Render the i-th image as letter i mod 17, each with a draw of its own for font, size, angle and place.

    Raises:
        MethodError: no dataset to be shaped like.
    """
    if given.like is None:
        raise MethodError("glyphs have no size of their own: name the dataset they are to look like under `like`")
    height, width, channels = next(iter(given.like.splits.values())).images.shape[1:]
    labels = np.arange(count) % len(LETTERS)
    images = np.stack(
        [
            _render(LETTERS[label], height, width, given.streams.numpy("generator", "glyph", i))
            for i, label in enumerate(labels)
        ]
    )
    return Raw(
        np.repeat(images[..., None], channels, axis=3), labels, list(LETTERS), ids=numbered(count, "glyph-"),
        licence="Bitstream Vera and public domain (DejaVu fonts)", citation="DejaVu fonts, https://dejavu-fonts.github.io",
    )  # fmt: skip


def _render(letter: str, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """One letter, uint8 [height,width]."""
    tall, wide = OVERSAMPLING * height, OVERSAMPLING * width
    # A cap height of 0.73 em: this em makes the letter 75 to 100 % of the image high.
    em = min(tall, wide) * rng.uniform(0.75, 1.0) / 0.73
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    font = ImageFont.truetype(folder / FONTS[rng.integers(len(FONTS))], size=round(em))
    centre = (wide / 2 + wide * rng.uniform(-0.06, 0.06), tall / 2 + tall * rng.uniform(-0.06, 0.06))
    canvas = Image.new("L", (wide, tall))
    box = font.getbbox(letter)
    corner = (centre[0] - (box[0] + box[2]) / 2, centre[1] - (box[1] + box[3]) / 2)
    ImageDraw.Draw(canvas).text(corner, letter, fill=255, font=font)
    canvas = canvas.rotate(rng.uniform(-10, 10), resample=Image.Resampling.BILINEAR, center=centre)
    return np.asarray(canvas.resize((width, height), Image.Resampling.BOX))
