"""Random erasing."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw

#: Tries to find a rectangle that fits, as many as torchvision's.
_TRIES = 10


@method(
    "augment",
    "random-erasing",
    summary="Fill a random rectangle with noise",
    paper="Zhong et al. 2020, arXiv:1708.04896",
    options={
        "probability": Option(0.5, "share of images that lose a rectangle", above=0, at_most=1),
        "smallest": Option(0.02, "least area, as a share of the image's", above=0, at_most=1),
        "largest": Option(0.4, "largest area, as a share of the image's", above=0, at_most=1),
        "aspect": Option(0.3, "flattest ratio of height to width; the steepest is its inverse", above=0, at_most=1),
        "fill": Option("noise", "what comes in", choices=["noise", "black"]),
    },
    shapes="images [B,C,H,W] -> same",
)
def random_erasing(
    images: Tensor,
    targets: Tensor,
    draw: Draw,
    *,
    probability: float,
    smallest: float,
    largest: float,
    aspect: float,
    fill: str,
) -> tuple[Tensor, Tensor]:
    """Algorithm 1: area uniform, logarithm of the aspect ratio uniform, drawn anew until the rectangle fits in.

    An image for which ten tries do not fit stays whole; targets stay. Noise is uniform in 0..1, a value each.
    """
    height, width = images.shape[2:]
    area = height * width * (smallest + (largest - smallest) * draw.uniform(_TRIES))
    ratio = torch.exp(math.log(aspect) * (2 * draw.uniform(_TRIES) - 1))
    tall, wide = (area * ratio).sqrt().round().long(), (area / ratio).sqrt().round().long()
    fits = (tall < height) & (wide < width) & (tall > 0) & (wide > 0)
    first = fits.to(torch.uint8).argmax(dim=1, keepdim=True)
    happens = fits.any(dim=1) & (draw.uniform()[:, 0] < probability)
    tall, wide = tall.gather(1, first), wide.gather(1, first)
    top = (draw.uniform() * (height - tall + 1)).long()
    left = (draw.uniform() * (width - wide + 1)).long()
    down, across = torch.arange(height, device=images.device), torch.arange(width, device=images.device)
    rows = (down >= top) & (down < top + tall)
    columns = (across >= left) & (across < left + wide)
    erased = (rows[:, :, None] & columns[:, None, :] & happens[:, None, None])[:, None]
    if fill == "black":
        return images.masked_fill(erased, 0.0), targets
    return torch.where(erased, draw.uniform(images[0].numel()).view_as(images), images), targets
