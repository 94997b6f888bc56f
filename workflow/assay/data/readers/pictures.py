"""Picture files inside an archive, as squares of one size."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from assay.data.unpack import members
from assay.errors import MethodError

#: A picture of more pixels is refused: no published set here comes near (DTD: 0.4 million).
MOST_PIXELS = 25_000_000


def read_pictures(
    file: Path, pictures: str, size: int, texts: str = "$^"
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """All pictures and texts of an archive whose whole names match.

    Args:
        file: zip or tar.
        pictures: pattern (regular expression) of the pictures' names.
        size: of the squares, in pixels.
        texts: pattern of the names of text files in UTF-8.

    Returns:
        Name to picture, uint8 [size,size,3], and name to text.

    Raises:
        MethodError: the archive or a picture in it is damaged, or too large.
    """
    picture, text = re.compile(pictures).fullmatch, re.compile(texts).fullmatch
    found: dict[str, np.ndarray] = {}
    read: dict[str, str] = {}
    for name, data in members(file, lambda name: bool(picture(name) or text(name))):
        if text(name):
            read[name] = data.decode("utf-8", "replace")
        else:
            found[name] = square(data, f"{file.name}: {name}", size)
    return found, read


def square(data: bytes, name: str, size: int) -> np.ndarray:
    """A picture as uint8 [size,size,3]: the square in its centre, resized (bilinear with antialiasing).

    One that has this size already comes back pixel by pixel.

    Raises:
        MethodError: it cannot be decoded, or has more than `MOST_PIXELS`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is the lower one
            picture: Image.Image = Image.open(io.BytesIO(data))
        if picture.width * picture.height > MOST_PIXELS:
            raise MethodError(f"{name} has {picture.width} x {picture.height} pixels: refused as a bomb")
        picture = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise MethodError(f"{name} cannot be decoded: {error}") from None
    short = min(picture.size)
    left, top = (picture.width - short) // 2, (picture.height - short) // 2
    picture = picture.crop((left, top, left + short, top + short))
    if short != size:
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture)


def in_order(
    pictures: dict[str, np.ndarray], names: list[str], label: Callable[[str], int], archive: str
) -> tuple[np.ndarray, np.ndarray]:
    """Images [N,H,W,3] and labels [N] of the named pictures, in that order.

    Raises:
        MethodError: a picture that the set's lists name is missing, or there is none at all.
    """
    for name in names:
        if name not in pictures:
            raise MethodError(f"{archive}: there is no picture {name}, which the set's list names")
    if not names:
        raise MethodError(f"{archive} holds none of the pictures that were looked for")
    return np.stack([pictures[name] for name in names]), np.array([label(name) for name in names], np.int64)
