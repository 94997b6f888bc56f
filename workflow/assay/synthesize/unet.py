"""A compact U-Net that tells the noise in small images (8 to 64 pixels, 1 or 3 channels)."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.models.initialise import initialise


class UNet(nn.Module):
    """Noise prediction eps(x, t, y), after Ho et al. 2020 (arXiv:2006.11239, appendix B) without attention.

    The image is halved while it is larger than 4 pixels and even; each level has one residual block on the way down
    and one on the way up, with `width` channels at full size and twice as many below. The class K stands for
    no class (classifier-free guidance).

    Args:
        channels: C of the images.
        size: smaller side in pixels.
        classes: K.
        width: channels at full size, a multiple of 8.
    """

    def __init__(self, channels: int, size: int, classes: int, width: int):
        super().__init__()
        levels = 1
        while size > 4 and size % 2 == 0 and levels < 4:
            size, levels = size // 2, levels + 1
        widths = [width] + [2 * width] * (levels - 1)
        context = 4 * width
        self.width = width
        self.time = nn.Sequential(nn.Linear(width, context), nn.SiLU(), nn.Linear(context, context))
        self.label: nn.Module = Labels(classes + 1, context)
        self.none = classes
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.down = nn.ModuleList(Block(w, w, context) for w in widths)
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.middle = Block(widths[-1], widths[-1], context)
        self.up = nn.ModuleList(Block(2 * w, w, context) for w in widths)
        self.grow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.norm = nn.GroupNorm(width // 8, width)
        self.out = nn.Conv2d(width, channels, 3, padding=1)

    def reset(self, generator: torch.Generator) -> None:
        """Draw every weight from `generator`; what each block and the whole network add starts at zero."""
        initialise(self, generator)
        for last in [self.out, *(block.conv2 for block in self.modules() if isinstance(block, Block))]:
            nn.init.zeros_(last.weight)

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        """Noise in `x`, float [B,C,H,W], at level `t`, float [B] in 0..1, of class `y`, int64 [B] in 0..K.

        It is computed in the format of the weights; levels differ by less than bf16 can tell, so their waves are not.
        """
        kind = self.stem.weight.dtype
        context = F.silu(self.time(waves(t, self.width).to(kind)) + self.label(y))
        x = self.stem(x.to(kind))
        kept = []
        for level, block in enumerate(self.down):
            x = block(x, context)
            kept.append(x)
            if level < len(self.shrink):
                x = self.shrink[level](x)
        x = self.middle(x, context)
        for level in reversed(range(len(self.up))):
            x = self.up[level](torch.cat([x, kept[level]], 1), context)
            if level > 0:
                x = self.grow[level - 1](F.interpolate(x, size=kept[level - 1].shape[2:], mode="nearest"))
        out: Tensor = self.out(F.silu(self.norm(x)))
        return out


class Labels(nn.Embedding):
    """One vector a class, about as long as a unit vector."""

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the vectors from a normal distribution with standard deviation 1 / sqrt(dimension)."""
        nn.init.normal_(self.weight, std=self.embedding_dim**-0.5, generator=generator)


class Block(nn.Module):
    """A residual block whose second normalisation is scaled and shifted by the context (time and class)."""

    def __init__(self, inside: int, outside: int, context: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(inside // 8, inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1)
        self.film = nn.Linear(context, 2 * outside)
        self.norm2 = nn.GroupNorm(outside // 8, outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1)
        self.skip = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Float [B,inside,H,W] and [B,context] to [B,outside,H,W]."""
        scale, shift = self.film(context)[:, :, None, None].chunk(2, 1)
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))
        out: Tensor = self.skip(x) + h
        return out


def waves(t: Tensor, width: int) -> Tensor:
    """Sine and cosine features of `t`, float [B] in 0..1, at `width` / 2 frequencies each: float [B,width]."""
    frequencies = torch.exp(-math.log(10000) * torch.arange(width // 2, device=t.device) / (width // 2))
    angles = 1000 * t[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)
