"""The two networks of a GAN for small images: one makes them, one tells them from real ones."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.models.initialise import initialise
from assay.synthesize.unet import Block, Labels


class Generator(nn.Module):
    """Latents and classes to images, from the smallest size up, by the residual blocks of the U-Net.

    Each block is scaled and shifted by latent and class (as in BigGAN, Brock et al. 2019, arXiv:1809.11096).

    Args:
        shape: of the images, [H,W,C].
        classes: K.
        width: channels at full size, a multiple of 8; twice as many below.
        latent: Z.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, width: int, latent: int):
        super().__init__()
        levels = _levels(shape)
        self.height, self.across = shape[0] >> levels, shape[1] >> levels
        context, deep = 4 * width, 2 * width
        self.latent = nn.Linear(latent, context)
        self.label = Labels(classes, context)
        self.stem = nn.Linear(context, deep * self.height * self.across)
        widths = [deep] * levels + [width]
        self.blocks = nn.ModuleList(Block(a, b, context) for a, b in zip([deep, *widths], widths, strict=False))
        self.norm = nn.GroupNorm(width // 8, width)
        self.out = nn.Conv2d(width, shape[2], 3, padding=1)

    def reset(self, generator: torch.Generator) -> None:
        """Draw every weight from `generator`."""
        initialise(self, generator)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images float [B,C,H,W] in -1..1 of latents float [B,Z] and classes int64 [B]."""
        told = self.latent(z)
        context = F.silu(told / told.square().mean(1, keepdim=True).add(1e-8).sqrt() + self.label(y))
        x = self.stem(context).unflatten(1, (-1, self.height, self.across))
        for number, block in enumerate(self.blocks):
            x = block(F.interpolate(x, scale_factor=2.0, mode="nearest") if number else x, context)
        return torch.tanh(self.out(F.silu(self.norm(x))).float())


class Discriminator(nn.Module):
    """A projection discriminator (Miyato and Koyama 2018, arXiv:1802.05637, equation 4) without normalisation.

    Its last features are told how much the batch varies (Karras et al. 2018, arXiv:1710.10196, section 3), so that a
    generator that makes few different images is found out.

    Args:
        shape: of the images, [H,W,C].
        classes: K.
        width: channels at full size; twice as many below.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, width: int):
        super().__init__()
        levels = _levels(shape)
        widths = [width] + [2 * width] * levels
        self.stem = nn.Conv2d(shape[2], width, 3, padding=1)
        self.blocks = nn.ModuleList(Down(a, b) for a, b in pairwise(widths))
        self.last = nn.Conv2d(widths[-1] + 1, widths[-1], 3, padding=1)
        self.features = nn.Linear(widths[-1] * (shape[0] >> levels) * (shape[1] >> levels), 4 * width)
        self.real = nn.Linear(4 * width, 1)
        self.label = Labels(classes, 4 * width)

    def reset(self, generator: torch.Generator) -> None:
        """Draw every weight from `generator`."""
        initialise(self, generator)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Logits float [B], above 0 for what looks real, of images float [B,C,H,W] and classes int64 [B]."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        spread = (x.float().var(0, unbiased=False) + 1e-8).sqrt().mean().to(x.dtype)
        x = torch.cat([x, spread.expand(len(x), 1, *x.shape[2:])], 1)
        x = F.leaky_relu(self.features(F.leaky_relu(self.last(x), 0.2).flatten(1)), 0.2).float()
        logits: Tensor = self.real(x).float().squeeze(1) + (self.label(y) * x).sum(1)
        return logits


class Down(nn.Module):
    """A residual block that halves the image."""

    def __init__(self, inside: int, outside: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, inside, 3, padding=1)
        self.conv2 = nn.Conv2d(inside, outside, 3, padding=1)
        self.skip = nn.Conv2d(inside, outside, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Float [B,inside,H,W] to [B,outside,H/2,W/2]."""
        h = F.leaky_relu(self.conv2(F.leaky_relu(self.conv1(x), 0.2)), 0.2)
        out: Tensor = F.avg_pool2d(h + self.skip(x), 2) * math.sqrt(0.5)
        return out


def _levels(shape: tuple[int, ...]) -> int:
    """How often the image is halved: while it is larger than 4 pixels and even."""
    height, width, levels = shape[0], shape[1], 0
    while min(height, width) > 4 and height % 2 == 0 and width % 2 == 0 and levels < 4:
        height, width, levels = height // 2, width // 2, levels + 1
    return levels
