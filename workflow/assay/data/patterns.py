"""Vectors as images: orthogonal directions in pixel space, and real numbers as grey levels."""

from __future__ import annotations

import numpy as np

#: Coordinates are given room for this many standard deviations; a normal one leaves it with probability 5.7e-7.
DEVIATIONS = 5.0
#: Middle of the grey levels 0 to 255.
GREY = 127.5


def orthogonal_patterns(rng: np.random.Generator, side: int) -> np.ndarray:
    """Two patterns of +1 and -1 at random pixels, float64 [2, side * side], exactly orthogonal.

    Each of the four pairs of signs gets a quarter of the pixels; `side` is even.
    """
    signs = np.array([[1, 1, -1, -1], [1, -1, 1, -1]], np.float64)
    return signs[:, rng.permutation(np.arange(side * side) % 4)]


def to_grey(values: np.ndarray, limit: float, dither: np.ndarray | float = 0.5) -> np.ndarray:
    """Real numbers to uint8: -limit becomes 0 and limit 255, with 0 halfway; what lies beyond is clipped.

    Args:
        values: any shape.
        limit: above 0.
        dither: 0.5 rounds to the nearest level. Numbers uniform in 0..1, one a value, round up or down at random, so
            that a sum over pixels is right on average even where many of them share one value.
    """
    return np.floor(GREY + GREY / limit * values + dither).clip(0, 255).astype(np.uint8)


def from_grey(images: np.ndarray, limit: float) -> np.ndarray:
    """The numbers that grey levels stand for, float64, to half a level: `limit / 255`."""
    return (images / GREY - 1) * limit
