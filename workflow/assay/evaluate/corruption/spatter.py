"""Spatter, one of the four extra corruptions: drops of water, or mud, on the lens."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate, uniform_filter

from assay.augment.draw import Draw
from assay.evaluate.corruption.edges import canny
from assay.evaluate.corruption.gaussian import smooth
from assay.evaluate.corruption.pixels import field, luma, scaled, stored, unit
from assay.study.registry import method

#: By severity: mean and standard deviation of the noise that drops are cut from, standard deviation in pixels (at a
#: side of 32) of the filter that makes them round, the threshold above which there is a drop, and the strength of
#: water, or the standard deviation in pixels of the filter that softens mud; and which of the two it is.
STRENGTH = (
    (0.62, 0.1, 0.7, 0.7, 0.5, "water"),
    (0.65, 0.1, 0.8, 0.7, 0.5, "water"),
    (0.65, 0.3, 1.0, 0.69, 0.5, "water"),
    (0.65, 0.1, 0.7, 0.69, 0.6, "mud"),
    (0.65, 0.1, 0.5, 0.68, 0.6, "mud"),
)

_WATER = np.array([175.0, 238.0, 238.0]) / 255
_MUD = np.array([63.0, 42.0, 20.0]) / 255

#: What gives drops a light and a dark side.
_RELIEF = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])

#: The 16 steps of OpenCV's distance of 5 by 5 pixels (Borgefors 1986, doi:10.1016/S0734-189X(86)80047-0), and their
#: lengths, 1, 1.4 and 2.1969 in 65536ths.
_STEPS = [
    (down, right, {1: 65536, 2: 91750, 5: 143976}[down**2 + right**2] / 65536)
    for down in range(-2, 3)
    for right in range(-2, 3)
    if down**2 + right**2 in (1, 2, 5)
]


@method(
    "corruption",
    "spatter",
    summary="drops of water (severity 1 to 3) or mud (4 and 5) on the lens (extra)",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def spatter(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """Drops are where smoothed noise is above a threshold. Water adds light by its relief, mud covers the image.

    On grey images both have the luma of their colour. An image on which no drop falls stays as it is.
    """
    mean, deviation, sigma, threshold, amount, liquid = STRENGTH[severity - 1]
    made = unit(images)
    height, width, channels = made.shape[1:]
    noise = mean + deviation * field(draw.normal(height * width), height, width, 1)
    drops = smooth(noise, scaled(sigma, images))[..., 0]
    drops = np.where(drops < threshold, 0.0, drops)
    if liquid == "water":
        light = _relief((np.clip(drops, 0, 1) * 255).astype(np.uint8))
        return stored(made + amount * light[..., None] * _colour(_WATER, channels))
    cover = smooth((drops > threshold).astype(float)[..., None], scaled(amount, images))
    cover = np.where(cover < 0.8, 0.0, cover)
    return stored(made * (1 - cover) + cover * _colour(_MUD, channels))


def _colour(colour: np.ndarray, channels: int) -> np.ndarray:
    return colour if channels == 3 else luma(colour[None, None, None])[0, 0, 0]


def _relief(drops: np.ndarray) -> np.ndarray:
    """The light of drops uint8 `[B,H,W]`, float64 in 0..1 with the maximum 1 in each image that has drops."""
    distance = np.minimum(_distance(canny(drops, 50, 150), 20.0), 20.0)
    # Rounded first, so that a mean of equal whole numbers is not cut off to the one below.
    heights = _equalised(np.round(_mean(distance), 6).astype(np.uint8))
    lit = np.clip(correlate(heights.astype(np.int64), _RELIEF[None], mode="mirror"), 0, 255)
    light = drops * np.round(_mean(lit.astype(float)))
    most = light.max(axis=(1, 2), keepdims=True)
    made: np.ndarray = light / np.where(most > 0, most, 1.0)
    return made


def _distance(edges: np.ndarray, most: float) -> np.ndarray:
    """The distance of each pixel to the nearest edge in bool `[B,H,W]`, right up to `most`."""
    height, width = edges.shape[1:]
    found = np.where(edges, 0.0, most)
    for _ in range(int(most) + 1):
        padded = np.pad(found, ((0, 0), (2, 2), (2, 2)), constant_values=most)
        nearer = found
        for down, right, length in _STEPS:
            nearer = np.minimum(nearer, padded[:, 2 + down : 2 + down + height, 2 + right : 2 + right + width] + length)
        if np.array_equal(nearer, found):
            break
        found = nearer
    return found


def _mean(images: np.ndarray) -> np.ndarray:
    """`[B,H,W]` under a box of 3 by 3 pixels."""
    made: np.ndarray = uniform_filter(images, (0, 3, 3), mode="mirror")
    return made


def _equalised(images: np.ndarray) -> np.ndarray:
    """uint8 `[B,H,W]` with the histogram of each image spread out as OpenCV does; an image of one level stays."""
    made = images.copy()
    for number, image in enumerate(images):
        counts = np.bincount(image.ravel(), minlength=256)
        first = counts[image.min()]
        if first < image.size:
            levels = np.round((np.cumsum(counts) - first) * (255 / (image.size - first)))
            made[number] = np.clip(levels, 0, 255).astype(np.uint8)[image]
    return made
