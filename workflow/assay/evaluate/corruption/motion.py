"""Blur along a line, as ImageMagick's `MotionBlurImage` computes it."""

from __future__ import annotations

import math

import numpy as np


def streaked(images: np.ndarray, radius: float, sigma: float, degrees: np.ndarray) -> np.ndarray:
    """`[B,H,W,C]`, each drawn out along a direction of its own; the border is repeated.

    A pixel becomes the mean of those at 0, 1, ..., 2 ceil(radius) steps along the line, with the weights of one half of
    a Gaussian. Steps go to the nearest pixel.

    Args:
        images: float64.
        radius, sigma: in pixels.
        degrees: `[B]`.
    """
    batch, height, width, _ = images.shape
    steps = np.arange(2 * math.ceil(radius) + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    angle = np.deg2rad(degrees)[:, None, None]
    rows, columns = np.mgrid[0:height, 0:width]
    which = np.arange(batch)[:, None, None]
    made = np.zeros_like(images)
    for step, weight in zip(steps, weights, strict=True):
        down = np.ceil(step * np.sin(angle) - 0.5).astype(int)
        right = np.ceil(step * np.cos(angle) - 0.5).astype(int)
        taken = images[which, np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)]
        made += weight * taken
    return made
