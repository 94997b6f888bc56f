"""The parts that vision transformers share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assay.models.layers import TruncatedLinear, truncated_
from assay.models.patches.attention import Attention


class EncoderBlock(nn.Module):
    """`x += attention(norm(x))`, then `x += mlp(norm(x))` (Dosovitskiy et al. 2020, arXiv:2010.11929, eq. 2 and 3).

    Args:
        width: D.
        heads: of the attention.
        hidden: units of the perceptron.
        bias: whether queries, keys and values have a shift.
        eps: of the norm layers.
    """

    def __init__(self, width: int, heads: int, hidden: int, *, bias: bool = True, eps: float = 1e-6):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.attention = Attention(width, heads, bias)
        self.norm2 = nn.LayerNorm(width, eps=eps)
        self.mlp = nn.Sequential(TruncatedLinear(width, hidden), nn.GELU(), TruncatedLinear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        """Tokens `[B,N,D]` to tokens `[B,N,D]`."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Positions(nn.Module):
    """Learnt positions, added to the tokens, after a class token is put before them where one is wanted.

    Both are drawn from truncated normals of deviation `deviation` and 0.02.
    """

    def __init__(self, count: int, width: int, class_token: bool, deviation: float = 0.02):
        super().__init__()
        self.token = nn.Parameter(torch.empty(1, 1, width)) if class_token else None
        self.positions = nn.Parameter(torch.empty(1, count + class_token, width))
        self.deviation = deviation

    def forward(self, x: Tensor) -> Tensor:
        """Tokens `[B,N,D]` to `[B,N,D]`, or `[B,N+1,D]` with a class token."""
        if self.token is not None:
            x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        return x + self.positions

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the class token and the positions."""
        if self.token is not None:
            truncated_(self.token, 0.02, generator)
        truncated_(self.positions, self.deviation, generator)


class Flat(nn.Module):
    """Maps `[B,D,H,W]` to tokens `[B,H*W,D]`."""

    def forward(self, x: Tensor) -> Tensor:
        """Row by row."""
        return x.flatten(2).transpose(1, 2)


class First(nn.Module):
    """The first of tokens `[B,N,D]`, which is the class token: `[B,D]`."""

    def forward(self, x: Tensor) -> Tensor:
        """Take it."""
        return x[:, 0]
