"""Shot noise: light comes in whole photons."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.stats import poisson

from assay.augment.draw import Draw
from assay.evaluate.corruption.pixels import field, stored
from assay.study.registry import method

#: Photons that a white pixel gets, by severity.
PHOTONS = (500, 250, 100, 75, 50)


@method(
    "corruption",
    "shot-noise",
    summary="each pixel becomes a Poisson count of that mean",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def shot_noise(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """Poisson(c x) / c, by inverting the distribution function at a uniform number."""
    count, shape = PHOTONS[severity - 1], images.shape[1:]
    uniform = field(draw.uniform(int(np.prod(shape))), *shape)
    table, width = _distribution(count)
    # Row k of the table holds k + P(X <= j) for the grey level k, so that one search serves all levels.
    found = np.searchsorted(table, images + uniform, side="right") - images.astype(np.int64) * width
    return stored(found / count)


@cache
def _distribution(count: int) -> tuple[np.ndarray, int]:
    """The distribution functions of all 256 grey levels one after the other, and how many numbers each has."""
    width = int(poisson.ppf(1 - 1e-9, count)) + 1
    levels = np.arange(256)
    rows = poisson.cdf(np.arange(width), (levels * count / 255)[:, None])
    return (levels[:, None] + np.minimum(rows, 1.0)).ravel(), width
