"""Elastic transformation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.gaussian import smooth
from assay.evaluate.corruption.pixels import field, stored, unit
from assay.study.registry import method

#: By severity and as shares of the side: how far pixels move, the standard deviation of the filter that makes
#: neighbours move together, and how far the corners of a triangle in the middle are dragged.
STRENGTH = ((0.0, 0.0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03))


@method(
    "corruption",
    "elastic-transform",
    summary="a random affine map, then pixels that move with their neighbours",
    paper="Simard et al. 2003, doi:10.1109/ICDAR.2003.1227801; Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def elastic_transform(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """Drag three points, which makes an affine map, and then move each pixel by smoothed uniform noise."""
    height, width = images.shape[1:3]
    far, sigma, drag = (share * min(height, width) for share in STRENGTH[severity - 1])
    rows, columns = np.mgrid[0:height, 0:width].astype(float)
    points = _triangle(height, width)
    dragged = points + drag * (field(draw.uniform(6), 3, 2) * 2 - 1)
    # The map from places of the result to places of the image: [x, y, 1] M.
    known = np.concatenate([dragged, np.ones((len(images), 3, 1))], axis=2)
    matrix = np.linalg.solve(known, np.broadcast_to(points, dragged.shape))[:, :, :, None, None]
    x, y = (columns * matrix[:, 0, axis] + rows * matrix[:, 1, axis] + matrix[:, 2, axis] for axis in (0, 1))
    made = sample(unit(images), y, x, mirrored)
    noise = [field(draw.uniform(height * width), height, width, 1) * 2 - 1 for _ in range(2)]
    right, down = (far * smooth(one, sigma, "reflect", truncate=3.0)[..., 0] for one in noise)
    return stored(sample(made, rows + down, columns + right, reflected))


def _triangle(height: int, width: int) -> np.ndarray:
    """The three points (x, y) that are dragged, float64 [3,2]."""
    middle, arm = np.array([height // 2, width // 2], float), min(height, width) // 3
    return np.array([middle + arm, [middle[0] + arm, middle[1] - arm], middle - arm])


def sample(
    images: np.ndarray, y: np.ndarray, x: np.ndarray, fold: Callable[[np.ndarray, int], np.ndarray]
) -> np.ndarray:
    """`[B,H,W,C]` read at places `[B,H,W]` by linear interpolation; `fold` says which pixel lies beyond the border."""
    height, width = images.shape[1:3]
    which = np.arange(len(images))[:, None, None]
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    below, beside = (y - top)[..., None], (x - left)[..., None]

    def at(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return images[which, fold(rows, height), fold(columns, width)]

    upper = at(top, left) * (1 - beside) + at(top, left + 1) * beside
    lower = at(top + 1, left) * (1 - beside) + at(top + 1, left + 1) * beside
    return upper * (1 - below) + lower * below


def mirrored(places: np.ndarray, side: int) -> np.ndarray:
    """`d c b | a b c d | c b a`."""
    turned = np.abs(places) % (2 * side - 2)
    return np.minimum(turned, 2 * side - 2 - turned)


def reflected(places: np.ndarray, side: int) -> np.ndarray:
    """`c b a | a b c d | d c b`."""
    turned = places % (2 * side)
    return np.minimum(turned, 2 * side - 1 - turned)
