"""Odd pictures, written by Pillow or byte by byte: what they become, and that each decision is named."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from assay.data import decode as module
from assay.data.decode import Picture, UndecodableError, strictly
from PIL import Image

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 5), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)


def decode(content: bytes, name: str = "x.png", **options) -> Picture:
    with strictly():
        return module.decode(content, name, **options)


def written(picture, form: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(stream, form, **options)
    return stream.getvalue()


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG made by hand, for what Pillow does not write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM"])
def test_plain_pictures_come_back_as_they_were(form):
    grey, colour = decode(written(GREY, form)), decode(written(COLOUR, form))
    assert (grey.pixels[..., 0] == GREY).all()
    assert (colour.pixels == COLOUR).all()
    assert grey.decisions == colour.decisions == ()


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled(form):
    values = np.array([[0, 128, 129, 257, 300, 65278, 65535]], np.uint16)
    by_hand = b"P5 7 1 65535\n" + values.astype(">u2").tobytes()
    made = decode(by_hand if form == "PPM" else written(values, form))
    assert made.pixels[0, :, 0].tolist() == [0, 0, 1, 1, 1, 254, 255]
    assert made.decisions == (module.DEEP,)


def test_16_bit_colour_is_counted():
    values = np.array([0, 257, 65535], ">u2")
    made = decode(png(1, 1, 16, 2, b"\0" + values.tobytes()))
    assert made.pixels.ravel().tolist() == [0, 1, 255]
    assert made.decisions == (module.DEEP_COLOUR,)


def test_transparency_is_laid_on_black():
    pixels = np.array([[[200, 100, 50, 255], [200, 100, 50, 0], [200, 100, 50, 51]]], np.uint8)
    made = decode(written(pixels))
    assert made.pixels.tolist() == [[[200, 100, 50], [0, 0, 0], [40, 20, 10]]]  # 51 / 255 is a fifth
    assert made.decisions == (module.ALPHA,)
    grey = decode(written(pixels[..., [0, 3]]))
    assert grey.pixels[0, :, 0].tolist() == [200, 0, 40]
    assert grey.decisions == (module.ALPHA,)


def test_a_transparent_colour_is_transparency():
    made = decode(written(np.array([[7, 9]], np.uint8), transparency=7))
    assert (made.pixels.ravel().tolist(), made.decisions) == ([0, 9], (module.ALPHA,))
    deep = decode(written(np.array([[70 * 257, 90 * 257]], np.uint16), transparency=70 * 257))
    assert deep.pixels.ravel().tolist() == [0, 90]
    assert deep.decisions == (module.DEEP, module.ALPHA)


def test_a_palette_becomes_its_colours():
    picture = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    picture.putpalette([10, 20, 30, 40, 50, 60])
    made = decode(written(picture))
    assert (made.pixels.tolist(), made.decisions) == ([[[10, 20, 30], [40, 50, 60]]], (module.PALETTE,))


def test_cmyk_and_1_bit():
    ink = np.array([[[0, 255, 255, 0]]], np.uint8)  # no cyan, all magenta and yellow: red
    made = decode(written(Image.fromarray(ink, "CMYK"), "TIFF"))
    assert (made.pixels.ravel().tolist(), made.decisions) == ([255, 0, 0], (module.CMYK,))
    bits = decode(written(Image.fromarray(np.array([[True, False]]))))
    assert (bits.pixels.ravel().tolist(), bits.decisions) == ([255, 0], (module.BILEVEL,))


@pytest.mark.parametrize("form", ["GIF", "PNG", "TIFF"])
def test_the_first_frame_of_several_is_taken(form):
    frames = [Image.fromarray(np.full((4, 4), value, np.uint8)) for value in (30, 200)]
    made = decode(written(frames[0], form, save_all=True, append_images=frames[1:]))
    assert (made.pixels == 30).all()
    assert module.FRAMES in made.decisions


@pytest.mark.parametrize(
    ("orientation", "turned"), [(3, GREY[::-1, ::-1]), (6, np.rot90(GREY, -1)), (2, GREY[:, ::-1])]
)
def test_the_orientation_of_a_camera_is_applied(orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = decode(written(GREY, exif=exif))
    assert (made.pixels[..., 0] == turned).all()
    assert made.decisions == (module.TURNED,)
    exif[0x0112] = 1
    assert decode(written(GREY, exif=exif)).decisions == ()


def test_channels_and_resolution_are_what_was_asked_for():
    red = np.zeros((4, 8, 3), np.uint8)
    red[..., 0] = 255
    made = decode(written(red), channels=1, resolution=2)
    assert (made.pixels.shape, made.pixels.max(), made.pixels.min()) == ((2, 2, 1), 76, 76)  # 0.299 of 255
    assert made.decisions == (module.GREYED, module.RESIZED, module.STRETCHED)
    grey = decode(written(GREY), channels=3)
    assert (grey.pixels == GREY[..., None]).all()
    assert grey.decisions == (module.COLOURED,)


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    side = 20_000
    bomb = png(side, side, 1, 0, b"")
    with pytest.raises(UndecodableError, match="bomb"):
        decode(bomb)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # as some programs do
    with pytest.raises(UndecodableError, match=r"20000 x 20000.*bomb"):
        decode(bomb)


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "x.png", "empty"),
        (b"name,label\n", "x.csv", "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "x.eps", "no picture"),
        (written(np.zeros((4, 4), np.float32), "TIFF"), "x.tif", "floating-point"),
        (written(np.zeros((4, 4), np.int32), "TIFF"), "x.tif", "32-bit"),
        (written(GREY, "TGA"), "x.txt", "no picture"),
    ],
)
def test_what_is_no_picture_is_refused(content, name, says):
    with pytest.raises(UndecodableError, match=says):
        decode(content, name)
    assert (decode(written(GREY, "TGA"), "x.tga").pixels[..., 0] == GREY).all()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "WEBP"])
def test_a_truncated_picture_is_refused(form):
    whole = written(RNG.integers(0, 256, (40, 40, 3), dtype=np.uint8), form)
    for part in (0.3, 0.6, 0.9):
        with pytest.raises(UndecodableError):
            decode(whole[: int(part * len(whole))])


def test_a_damaged_png_never_gives_other_pixels():
    whole = written(RNG.integers(0, 256, (12, 12), dtype=np.uint8))
    right, refused = decode(whole).pixels, 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        try:
            assert (decode(bytes(damaged)).pixels == right).all(), place
        except UndecodableError:
            refused += 1
    assert refused > 0.9 * len(whole)


def test_warnings_are_as_before_once_it_is_done():
    before = list(warnings.filters)
    decode(written(GREY))
    assert warnings.filters == before
