"""Differentiable Siamese augmentation: real and learnt images are altered alike, and gradients go through."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

#: One of these is drawn each time, as in the authors' code.
KINDS = ("colour", "crop", "cutout", "flip", "scale", "rotate")


def siamese(draw: torch.Generator, size: int) -> Callable[[Tensor], Tensor]:
    """One alteration with its strength, to be applied to whole batches float [B,C,H,W] of normalised images.

    Zhao and Bilen 2021, arXiv:2102.08259: what is drawn holds for all images of both batches, so that the
    two differ in what they show and not in how they were altered. Strengths are the authors'.

    Args:
        draw: where the choice and the strength come from.
        size: pixels a side.
    """
    kind = KINDS[int(torch.randint(len(KINDS), (1,), generator=draw))]
    drawn: list[float] = torch.rand(3, generator=draw).tolist()
    return ALTERATIONS[kind](drawn, size)


def colour(drawn: list[float], size: int) -> Callable[[Tensor], Tensor]:  # noqa: ARG001
    """Brightness by up to half a deviation, saturation times 0 to 2, contrast times 0.5 to 1.5."""
    brightness, saturation, contrast = drawn

    def alter(x: Tensor) -> Tensor:
        x = x + (brightness - 0.5)
        grey = x.mean(1, keepdim=True)
        x = grey + (x - grey) * (2 * saturation)
        middle = x.mean((1, 2, 3), keepdim=True)
        return middle + (x - middle) * (contrast + 0.5)

    return alter


def crop(drawn: list[float], size: int) -> Callable[[Tensor], Tensor]:
    """Shifted by up to an eighth of the size each way; what comes in is 0, the mean of normalised images."""
    most = int(size * 0.125 + 0.5)
    top, left = (int(share * (2 * most + 1)) for share in drawn[:2])

    def alter(x: Tensor) -> Tensor:
        return F.pad(x, [most] * 4)[:, :, top : top + size, left : left + size]

    return alter


def cutout(drawn: list[float], size: int) -> Callable[[Tensor], Tensor]:
    """A square of half the size set to 0; its centre lies anywhere, so part of it may be outside."""
    half = int(size * 0.5 + 0.5) // 2
    row, column = (int(share * (size + 1)) for share in drawn[:2])

    def alter(x: Tensor) -> Tensor:
        seen = torch.ones(size, size)
        seen[max(0, row - half) : row + half, max(0, column - half) : column + half] = 0
        return x * seen

    return alter


def flip(drawn: list[float], size: int) -> Callable[[Tensor], Tensor]:  # noqa: ARG001
    """Mirrored left to right with probability 0.5."""

    def alter(x: Tensor) -> Tensor:
        return x.flip(3) if drawn[0] < 0.5 else x

    return alter


def scale(drawn: list[float], size: int) -> Callable[[Tensor], Tensor]:  # noqa: ARG001
    """Height and width each times 1/1.2 to 1.2."""
    tall, wide = (1 / 1.2 + share * (1.2 - 1 / 1.2) for share in drawn[:2])
    return _affine([[wide, 0.0, 0.0], [0.0, tall, 0.0]])


def rotate(drawn: list[float], size: int) -> Callable[[Tensor], Tensor]:  # noqa: ARG001
    """Turned by up to 15 degrees either way."""
    angle = math.radians((2 * drawn[0] - 1) * 15)
    return _affine([[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0]])


def _affine(rows: list[list[float]]) -> Callable[[Tensor], Tensor]:
    def alter(x: Tensor) -> Tensor:
        grid = F.affine_grid(torch.tensor(rows).expand(len(x), 2, 3), list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)

    return alter


ALTERATIONS = {"colour": colour, "crop": crop, "cutout": cutout, "flip": flip, "scale": scale, "rotate": rotate}
