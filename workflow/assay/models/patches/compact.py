"""The parts of compact transformers (Hassani et al. 2021, arXiv:2104.05704)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assay.models.layers import TruncatedLinear
from assay.models.patches.encoder import EncoderBlock


class CompactBlock(EncoderBlock):
    """The block of the authors' code, whose second normalisation stays in the stream that goes on.

    `x = norm(x + attention(norm(x)))`, then `x += mlp(x)`; queries, keys and values have no shift.
    """

    def __init__(self, width: int, heads: int, hidden: int):
        super().__init__(width, heads, hidden, bias=False, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens `[B,N,D]` to tokens `[B,N,D]`."""
        x = self.norm2(x + self.attention(self.norm1(x)))
        return x + self.mlp(x)


class SequencePool(nn.Module):
    """`softmax(g(x))^T x`: the mean of tokens under weights that a linear map g gives them (section 3.2)."""

    def __init__(self, width: int):
        super().__init__()
        self.weigh = TruncatedLinear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens `[B,N,D]` to features `[B,D]`."""
        return torch.einsum("bn,bnd->bd", self.weigh(x).squeeze(2).softmax(dim=1), x)
