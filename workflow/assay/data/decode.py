"""One picture, in any format that Pillow reads, as pixels of 8 bit; whatever had to be decided on the way is named.

Every decision is one of the sentences below. They are counted over a dataset and stand in its card, so that nobody
has to guess what became of an odd file.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import Image, ImageOps

from assay.errors import MethodError

#: Scaling by 1/257 maps 0..65535 onto 0..255 exactly at both ends.
DEEP = "16 bit scaled to 8 bit (value / 257)"
#: Pillow has no colour of 16 bit: it takes the upper byte, at most 1 away from the value / 257.
DEEP_COLOUR = "16 bit colour taken at 8 bit, as Pillow reads it"
#: Black, because most writers store black where nothing shows: what torchvision's loader, which drops the channel,
#: gives for such pixels and for opaque ones.
ALPHA = "transparency laid on black"
PALETTE = "palette replaced by its colours"
CMYK = "CMYK converted to RGB"
SPACE = "another colour space converted to RGB"
BILEVEL = "1 bit spread to 0 and 255"
FRAMES = "first of several frames taken"
TURNED = "turned as the EXIF orientation says"
GREYED = "colour converted to grey (ITU-R 601 luma)"
COLOURED = "grey repeated over three channels"
RESIZED = "resized (bilinear with antialiasing)"
STRETCHED = "stretched to a square"

#: Pixels above which a picture is taken for a decompression bomb; Pillow's own bound, whatever a program sets it to.
MOST_PIXELS = 1024 * 1024 * 1024 // 4 // 3
#: Bytes of a file above which it is not even read: no picture of so few pixels is larger.
MOST_BYTES = 1 << 30

#: EPS runs Ghostscript, the others only know what a file is and cannot read it themselves.
_REFUSED = ("EPS", "BUFR", "GRIB", "HDF5", "MPEG", "WMF")
#: Formats are tried in this order, the usual ones first.
_USUAL = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
_ORIENTATION = 0x0112


class UndecodableError(MethodError):
    """A file that is no picture, or not a whole one, or one that is refused."""


@dataclass(frozen=True)
class Picture:
    """Decoded pixels, uint8 [H,W,C] with C 1 or 3, and the decisions taken (sentences of this module)."""

    pixels: np.ndarray
    decisions: tuple[str, ...]


@contextmanager
def strictly() -> Iterator[None]:
    """Make Pillow's warning of a decompression bomb an error and its other warnings silent, for the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode(content: bytes, name: str, *, channels: int | None = None, resolution: int | None = None) -> Picture:
    """Decode the content of a file. Call it within `strictly()`.

    Args:
        content: the whole file.
        name: what it is called; its suffix counts for the few formats that a file's first bytes do not tell.
        channels: 1 or 3 to convert to; None keeps what the file has (a palette counts as colour).
        resolution: height and width to resize to; None keeps the file's.

    Raises:
        UndecodableError: the file is empty, no picture, truncated, damaged, of more than `MOST_PIXELS`, or holds
            numbers whose black and white nobody knows (floating point, 32 bit).
    """
    if not content:
        raise UndecodableError("is empty (0 bytes)")
    decisions: list[str] = []
    try:
        with Image.open(io.BytesIO(content), formats=_formats()) as picture:
            _check(picture, name)
            deep = _is_deep(picture)
            if getattr(picture, "is_animated", False):
                decisions.append(FRAMES)
            picture.load()
            plain = _eight_bit(_upright(picture, decisions), deep, decisions)
    except (UndecodableError, MemoryError):
        raise
    except Image.UnidentifiedImageError:
        raise UndecodableError("is no picture in a format that is read") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UndecodableError(f"has more than {MOST_PIXELS:,} pixels (a decompression bomb)") from None
    except Exception as error:
        # A decoder may raise anything at bytes that are no picture.
        raise UndecodableError(f"cannot be decoded: {error or type(error).__name__}") from None
    if channels == 1 and plain.mode == "RGB":
        decisions.append(GREYED)
        plain = plain.convert("L")
    elif channels == 3 and plain.mode == "L":
        decisions.append(COLOURED)
        plain = plain.convert("RGB")
    if resolution is not None and plain.size != (resolution, resolution):
        decisions += [RESIZED, *([STRETCHED] if plain.width != plain.height else [])]
        plain = plain.resize((resolution, resolution), Image.Resampling.BILINEAR)
    pixels = np.asarray(plain)
    return Picture(pixels[..., None] if pixels.ndim == 2 else pixels, tuple(decisions))


_known_formats: list[str] = []


def _formats() -> list[str]:
    """The names of the formats that are read."""
    if not _known_formats:
        Image.init()
        others = [name for name in Image.ID if name in Image.OPEN and name not in (*_USUAL, *_REFUSED)]
        _known_formats.extend([*(name for name in _USUAL if name in Image.OPEN), *others])
    return _known_formats


def _check(picture: Image.Image, name: str) -> None:
    """Refuse by what the header says, before any pixel is made."""
    if picture.width * picture.height > MOST_PIXELS:
        raise UndecodableError(
            f"is {picture.width} x {picture.height}, more than {MOST_PIXELS:,} pixels (a decompression bomb)"
        )
    form = picture.format or ""
    if Image.OPEN.get(form, (None, None))[1] is None:
        # Nothing in such a file says what it is: without its suffix almost any bytes could pass for one.
        suffix = PurePosixPath(name).suffix.lower()
        if Image.EXTENSION.get(suffix) != form:
            raise UndecodableError("is no picture in a format that is read")


def _is_deep(picture: Image.Image) -> bool:
    """Whether the file holds 16 bit a channel, of which Pillow keeps the upper 8 for colour."""
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format in ("PNG", "PPM")):
        return True
    tiles = getattr(picture, "tile", None)
    told = tiles[0].args if tiles else ()
    words = told if isinstance(told, tuple) else (told,)
    return any((isinstance(word, str) and ";16" in word and "S" not in word) or word == 65535 for word in words)


def _upright(picture: Image.Image, decisions: list[str]) -> Image.Image:
    """The picture turned as its camera says it was held."""
    if picture.getexif().get(_ORIENTATION, 1) in range(2, 9):
        decisions.append(TURNED)
        return ImageOps.exif_transpose(picture)
    return picture


def _eight_bit(picture: Image.Image, deep: bool, decisions: list[str]) -> Image.Image:
    """The picture in mode L or RGB."""
    mode = picture.mode
    if deep:
        decisions.append(DEEP if mode.startswith("I") else DEEP_COLOUR)
    if mode == "1":
        decisions.append(BILEVEL)
        return picture.convert("L")
    if deep and mode.startswith("I"):
        values = np.asarray(picture).astype(np.uint32)
        if isinstance(picture.info.get("transparency"), int):
            decisions.append(ALPHA)
            values[values == picture.info["transparency"]] = 0
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if mode in ("I", "F") or mode.startswith("I;16"):
        raise UndecodableError(f"holds {'floating-point' if mode == 'F' else '32-bit'} values without a known range")
    if mode in ("P", "PA"):
        decisions.append(PALETTE)
    elif mode == "CMYK":
        decisions.append(CMYK)
    elif mode not in ("L", "LA", "La", "RGB", "RGBA", "RGBa", "RGBX"):
        decisions.append(SPACE)
    if mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in picture.info:
        decisions.append(ALPHA)
        return _on_black(picture, "L" if mode in ("L", "LA", "La") else "RGB")
    return picture if mode in ("L", "RGB") else picture.convert("RGB")


def _on_black(picture: Image.Image, mode: str) -> Image.Image:
    """Each value times its opacity."""
    clear = picture if picture.mode in ("RGBA", "LA") else picture.convert("LA" if mode == "L" else "RGBA")
    black = Image.new(mode, clear.size)
    black.paste(clear.convert(mode), mask=clear.getchannel("A"))
    return black
