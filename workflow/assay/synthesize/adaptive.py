"""Augmentation of what a discriminator sees, as strong as its overfitting asks for, and not in what is generated."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

#: Of so many iterations the signs are taken together before the probability moves (section 3.1).
EVERY = 4
#: What the probability never exceeds: above it, augmentations begin to show in what is generated (section 2.2).
MOST = 0.8


class Adaptive:
    """ADA (Karras et al. 2020, arXiv:2006.06676, section 3.1): how probable each augmentation is.

    The heuristic is r_t = E[sign(D(real))], the share of real images that the discriminator calls real less that of the
    others: 0 where it does not overfit, 1 where it does. Where r_t is above the target the probability rises, else it
    falls, and it needs `images` real images to rise from 0 to 1.
    """

    def __init__(self, target: float, images: int):
        self.target, self.images = target, images
        self.p = 0.0
        self.signs: list[float] = []

    def watch(self, logits: Tensor) -> None:
        """Take in what the discriminator says of a batch of real images, float [B]."""
        self.signs.append(float(logits.sign().mean()))
        if len(self.signs) == EVERY:
            moved = math.copysign(EVERY * len(logits) / self.images, sum(self.signs) / EVERY - self.target)
            self.p = min(max(self.p + moved, 0.0), MOST)
            self.signs = []

    def state(self) -> dict[str, object]:
        """What it goes on from."""
        return {"p": self.p, "signs": list(self.signs)}

    def restore(self, state: dict[str, object]) -> None:
        """Go on from what `state` gave."""
        self.p, self.signs = float(state["p"]), list(state["signs"])  # type: ignore[arg-type, call-overload]


def augmented(x: Tensor, p: float, draw: torch.Generator) -> Tensor:
    """Each image altered by its own draws, each alteration with probability `p`; differentiable in the images.

    Of the pipeline of appendix B, what images of 8 to 32 pixels bear: pixel blitting (mirror, quarter turns, shifts by
    whole pixels), geometry (scale, rotation, stretch, shift) and colour (brightness, contrast, luma flip, and for
    colour images hue and saturation), with the authors' ranges. All moves are one map of the plane, sampled once and
    bilinearly, the image being mirrored at its edges. An alteration is left out with probability 1 - p > 0, so that
    the distribution of the images can be told from that of the altered ones (section 2.2).

    Args:
        x: float [B,C,H,W] in -1..1.
        p: in 0..1.
        draw: where all draws come from.
    """
    if p == 0:
        return x
    count, channels, height, width = x.shape
    plane = moves(count, (height, width), p, draw)[:, :2].to(x.dtype)
    mixed, added = colours(count, channels, p, draw)
    grid = F.affine_grid(plane, list(x.shape), align_corners=False)
    moved = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return torch.einsum("bij,bjhw->bihw", mixed.to(x.dtype), moved) + added.to(x.dtype)[:, :, None, None]


def moves(count: int, size: tuple[int, int], p: float, draw: torch.Generator) -> Tensor:
    """Maps from a place in the result to one in the image, both in -1..1: float [B,3,3].

    Mirror, quarter turns and shifts by whole pixels up to 1/8 of the side; then scale by 2^N(0, 0.2), rotation,
    stretch by 2^N(0, 0.2), rotation again, and shift by N(0, 1/8) of the side. Rotations have the probability
    1 - sqrt(1 - p), so that at least one of both comes with p.
    """
    turned = 1 - math.sqrt(1 - p)
    height, width = size
    made = _scale(1 - 2 * _whether(count, p, draw) * _whole(count, 2, draw), torch.ones(count))
    made = made @ _rotate(math.pi / 2 * _whether(count, p, draw) * _whole(count, 4, draw))
    there = _whether(count, p, draw)
    across, down = (((2 * _uniform(count, draw) - 1) * side / 8).round() / side for side in (width, height))
    made = made @ _shift(2 * there * across, 2 * there * down)
    scale = torch.exp2(0.2 * _whether(count, p, draw) * torch.randn(count, generator=draw))
    made = made @ _scale(scale, scale)
    made = made @ _rotate(math.pi * _whether(count, turned, draw) * (2 * _uniform(count, draw) - 1))
    stretch = torch.exp2(0.2 * _whether(count, p, draw) * torch.randn(count, generator=draw))
    made = made @ _scale(stretch, 1 / stretch)
    made = made @ _rotate(math.pi * _whether(count, turned, draw) * (2 * _uniform(count, draw) - 1))
    there = _whether(count, p, draw) / 8
    across, down = (torch.randn(count, generator=draw) for _ in range(2))
    return made @ _shift(2 * there * across, 2 * there * down)


def colours(count: int, channels: int, p: float, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """What pixels are multiplied with and what is added: float [B,C,C] and [B,C].

    Brightness + N(0, 0.2), contrast x 2^N(0, 0.5), and the flip of what is bright and dark; with three channels also
    rotation of the hue and saturation x 2^N(0, 1), both about the grey axis.
    """
    one = torch.eye(channels).expand(count, channels, channels)
    grey = torch.full((channels, channels), 1 / channels)
    bright = 0.2 * _whether(count, p, draw) * torch.randn(count, generator=draw)
    contrast = torch.exp2(0.5 * _whether(count, p, draw) * torch.randn(count, generator=draw))
    flip = _whether(count, p, draw) * _whole(count, 2, draw)
    mixed = contrast[:, None, None] * (one - 2 * flip[:, None, None] * grey)
    if channels == 3:
        hue = math.pi * _whether(count, p, draw) * (2 * _uniform(count, draw) - 1)
        saturation = torch.exp2(_whether(count, p, draw) * torch.randn(count, generator=draw))
        mixed = (grey + saturation[:, None, None] * (one - grey)) @ _about_grey(hue) @ mixed
    return mixed, mixed.sum(2) * bright[:, None]


def _about_grey(angle: Tensor) -> Tensor:
    """Rotations about (1, 1, 1), float [B,3,3] (Rodrigues' formula)."""
    root = 3**-0.5
    cross = torch.tensor([[0.0, -root, root], [root, 0.0, -root], [-root, root, 0.0]])
    sine, rest = angle.sin()[:, None, None], (1 - angle.cos())[:, None, None]
    return torch.eye(3) + sine * cross + rest * (cross @ cross)


def _whether(count: int, p: float, draw: torch.Generator) -> Tensor:
    return (torch.rand(count, generator=draw) < p).float()


def _whole(count: int, choices: int, draw: torch.Generator) -> Tensor:
    return torch.randint(choices, (count,), generator=draw).float()


def _uniform(count: int, draw: torch.Generator) -> Tensor:
    return torch.rand(count, generator=draw)


def _plane(a: Tensor, b: Tensor, c: Tensor, d: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Maps (u, v) -> (a u + b v + x, c u + d v + y), float [B,3,3]."""
    none, one = torch.zeros_like(a), torch.ones_like(a)
    rows = [torch.stack(row, 1) for row in ((a, b, x), (c, d, y), (none, none, one))]
    return torch.stack(rows, 1)


def _scale(x: Tensor, y: Tensor) -> Tensor:
    none = torch.zeros_like(x)
    return _plane(x, none, none, y, none, none)


def _rotate(angle: Tensor) -> Tensor:
    none = torch.zeros_like(angle)
    return _plane(angle.cos(), -angle.sin(), angle.sin(), angle.cos(), none, none)


def _shift(x: Tensor, y: Tensor) -> Tensor:
    none, one = torch.zeros_like(x), torch.ones_like(x)
    return _plane(one, none, none, one, x, y)
