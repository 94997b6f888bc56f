"""Cutout."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw


@method(
    "augment",
    "cutout",
    summary="Blank a square at a random place",
    paper="DeVries and Taylor 2017, arXiv:1708.04552",
    options={
        "share": Option(0.5, "side of the square as a share of the image's; the paper's 16 of 32", above=0, at_most=1),
        "fill": Option(0.5, "brightness of the square; the paper's is the mean of the data", at_least=0, at_most=1),
        "inside": Option(False, "keep the whole square within the image, as airbench96 does"),
    },
    shapes="images [B,C,H,W] -> same",
)
def cutout(
    images: Tensor, targets: Tensor, draw: Draw, *, share: float, fill: float, inside: bool
) -> tuple[Tensor, Tensor]:
    """The square's centre is a uniform pixel of the image, so it may reach over the border; targets stay.

    With `inside` its corner is uniform among those that keep it within the image.
    """
    height, width = images.shape[2:]
    rows = _covered(height, max(1, round(share * height)), draw, inside)
    columns = _covered(width, max(1, round(share * width)), draw, inside)
    square = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(square, fill), targets


def _covered(length: int, side: int, draw: Draw, inside: bool) -> Tensor:
    """Which places of one axis the square covers, bool `[B,length]`."""
    start = draw.integers(0, length - side + 1) if inside else draw.integers(0, length) - side // 2
    place = torch.arange(length, device=draw.device)
    return (place >= start) & (place < start + side)
