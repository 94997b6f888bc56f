"""Near-duplicates: pairs of images that show the same picture, re-encoded, brightened or moved by a pixel.

Two pictures are near-duplicates when, standardised (mean 0, deviation 1 over all pixels and channels), their root mean
square difference is at most `DISTANCE`, at the best of the shifts by up to one pixel each way (no shift where a side
has fewer than `SHIFTED` pixels). With correlation r this difference is sqrt(2 - 2 r): brightness and contrast drop out.

Looked at are the pairs of which one picture is among the `NEIGHBOURS` most alike of the other by thumbnail (grey, at
most 8 x 8, standardised, correlation at least `ALIKE`; among equally alike ones the first). A picture whose thumbnail
is flat has no near-duplicates. The search takes every pair of thumbnails, in blocks, and no shortcut: it finds what
comparing each with each by hand finds. Thumbnails are rounded to whole numbers so small that sums of their products
are exact in float32; hence the answer does not depend on threads or machine.

On CIFAR-10 the threshold separates re-encoded, re-toned and slightly moved copies from lookalikes by eye, and finds a
twin in train for 1.75 % of the test images; by a network's features and by eye Barz and Denzler (2020,
arXiv:1902.00423) found 3.25 %, copies among them that are cropped by more than a pixel. Plain pictures, such as a bare
horizon, a digit 1 or a pair of trousers, can be taken for one another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Largest root mean square difference of near-duplicates, in standard deviations.
DISTANCE = 0.35
#: Smallest correlation of the thumbnails of a pair that is looked at, and how many such pairs a picture enters.
ALIKE, NEIGHBOURS = 0.85, 8
#: Side of a thumbnail; shortest side of images that are also compared a pixel apart.
SIDE, SHIFTED = 8, 16
#: More images than this are not searched: the time grows with the square of their number.
LIMIT = 100_000

#: Length of a thumbnail as a vector: below 2**12, so that sums of products are whole numbers below 2**24.
_LENGTH = 4000
#: Thumbnails, and pairs of images, that are worked on at a time.
_ROWS, _PAIRS = 512, 256

#: What the card says of the search.
METHOD = (
    f"standardised pictures whose root mean square difference is at most {DISTANCE} at the best shift by a pixel, "
    f"among the {NEIGHBOURS} most alike by {SIDE} x {SIDE} thumbnail (correlation at least {ALIKE})"
)


@dataclass(frozen=True)
class Twins:
    """Which of N images show the same picture.

    Attributes:
        group: int64 [N], equal for images that are equal pixel by pixel; numbered in order of appearance.
        pairs: int64 [P,2], groups that are near-duplicates, the smaller number first, sorted.
        distance: float64 [P], of each pair.
    """

    group: np.ndarray
    pairs: np.ndarray
    distance: np.ndarray

    def partners(self) -> list[list[int]]:
        """For each group those that are near-duplicates of it, in order."""
        found: list[list[int]] = [[] for _ in range(int(self.group.max(initial=-1)) + 1)]
        for first, second in self.pairs.tolist():
            found[first].append(second)
            found[second].append(first)
        return [sorted(each) for each in found]


def find(parts: Sequence[np.ndarray], distance: float = DISTANCE) -> Twins:
    """The exact and near-duplicates among images, uint8 [N_i,H,W,C] of one shape, taken one part after the other.

    Args:
        parts: may be memory maps; a few images at a time are read.
        distance: largest root mean square difference, in standard deviations.
    """
    group, first = _groups(parts)
    thumbs = [thumbnails(_take(parts, rows)) for rows in _blocks(first, _ROWS)]
    pairs = _candidates(np.concatenate(thumbs) if thumbs else np.zeros((0, 1), np.float32))
    apart = [
        distances(_take(parts, first[some[:, 0]]), _take(parts, first[some[:, 1]])) for some in _blocks(pairs, _PAIRS)
    ]
    found = np.concatenate([np.zeros(0), *apart])
    return Twins(group, pairs[found <= distance], found[found <= distance])


def _groups(parts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The group of each image, and for each group the number of its first image; both int64."""
    seen: dict[bytes, int] = {}
    group: list[int] = []
    first: list[int] = []
    for image in (image for images in parts for image in images):
        key = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        if key not in seen:
            seen[key] = len(seen)
            first.append(len(group))
        group.append(seen[key])
    return np.array(group, np.int64), np.array(first, np.int64)


def _blocks(values: np.ndarray, size: int) -> list[np.ndarray]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _take(parts: Sequence[np.ndarray], rows: np.ndarray) -> np.ndarray:
    """The images with the given numbers, counted through all parts."""
    ends = np.cumsum([len(images) for images in parts])
    place = np.searchsorted(ends, rows, side="right")
    made = np.empty((len(rows), *parts[0].shape[1:]), np.uint8)
    for number, images in enumerate(parts):
        here = place == number
        made[here] = images[rows[here] - (ends[number] - len(images))]
    return made


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Standardised grey thumbnails of uint8 [N,H,W,C], whole numbers as float32 [N,D]; flat ones are zero.

    A cell is the mean of the pixels that it covers, those at its edge by the part that it covers.
    """
    height, width = images.shape[1:3]
    down, across = _cover(height), _cover(width)
    grey = images.sum(axis=3, dtype=np.float64)
    cells = (down @ grey @ across.T).reshape(len(images), -1)
    flat = cells.min(axis=1, keepdims=True) == cells.max(axis=1, keepdims=True)
    cells -= cells.mean(axis=1, keepdims=True)
    length = np.sqrt((cells**2).sum(axis=1, keepdims=True))
    return np.rint(np.where(flat, 0, cells / np.where(flat, 1, length)) * _LENGTH).astype(np.float32)


def _cover(side: int) -> np.ndarray:
    """How much of each pixel lies in each cell of a thumbnail, in parts of a cell's number: whole numbers [S,side]."""
    cells = min(SIDE, side)
    edges = np.arange(cells + 1)[:, None] * side
    pixels = np.arange(side)[None] * cells
    inside = np.minimum(edges[1:], pixels + cells) - np.maximum(edges[:-1], pixels)
    return np.maximum(inside, 0).astype(np.float64)


def _candidates(thumbs: np.ndarray) -> np.ndarray:
    """Pairs of which one is among the most alike of the other by thumbnail, int64 [P,2], sorted, smaller first."""
    import torch

    count = len(thumbs)
    least = ALIKE * _LENGTH**2
    every = torch.from_numpy(thumbs)
    found = [np.zeros((0, 2), np.int64)]
    for start in range(0, count, _ROWS):
        alike = every[start : start + _ROWS] @ every.T
        rows = torch.arange(len(alike))
        alike[rows, start + rows] = -1  # an image is no twin of itself
        last = alike.topk(min(NEIGHBOURS, count), dim=1).values[:, -1:].clamp(min=least)
        row, column = (index.numpy() for index in (alike >= last).nonzero(as_tuple=True))
        order = np.lexsort((column, -alike.numpy()[row, column], row))
        row, column = row[order], column[order]
        rank = np.arange(len(row)) - np.searchsorted(row, row)
        kept = rank < NEIGHBOURS
        first, second = row[kept] + start, column[kept]
        found.append(np.stack([np.minimum(first, second), np.maximum(first, second)], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Root mean square difference of standardised pictures, pair by pair, at the best shift: float64 [P].

    Args:
        first: uint8 [P,H,W,C].
        second: the same shape.
    """
    height, width = first.shape[1:3]
    reach = range(-1, 2) if min(height, width) >= SHIFTED else range(1)
    best = np.full(len(first), np.inf)
    one, other = first.astype(np.float32) - 128, second.astype(np.float32) - 128
    for dy in reach:
        for dx in reach:
            here = one[:, max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
            there = other[:, max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
            best = np.minimum(best, _distance(here.reshape(len(one), -1), there.reshape(len(one), -1)))
    return best


def _distance(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """sqrt(2 - 2 r) of float32 rows [P,D]; sqrt(2), as of unrelated pictures, where one of them is flat."""
    p = p - p.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    q = q - q.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    both = np.einsum("pd,pd->p", p, q).astype(np.float64)
    norm = np.sqrt(np.einsum("pd,pd->p", p, p).astype(np.float64) * np.einsum("pd,pd->p", q, q))
    r = np.where(norm > 1e-3, both / np.where(norm > 1e-3, norm, 1), 0)
    return np.sqrt(np.maximum(2 - 2 * r, 0))
