"""The attention of vision transformers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.models.layers import TruncatedLinear


class Attention(nn.Module):
    """Multi-head self-attention, `softmax(q k^T / sqrt(d)) v` for each head (Vaswani et al. 2017, arXiv:1706.03762)."""

    def __init__(self, width: int, heads: int, bias: bool):
        super().__init__()
        self.heads = heads
        self.qkv = TruncatedLinear(width, 3 * width, bias=bias)
        self.project = TruncatedLinear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens `[B,N,D]` to tokens `[B,N,D]`."""
        batch, count, width = x.shape
        q, k, v = self.qkv(x).view(batch, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        projected: Tensor = self.project(attend(q, k, v).transpose(1, 2).reshape(batch, count, width))
        return projected


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """`softmax(q k^T / sqrt(d)) v` of `[B,heads,N,d]`."""
    if q.device.type == "cpu" and q.dtype == torch.bfloat16:
        # The fused kernel's backward pass takes five times as long as these products in bfloat16 on a CPU.
        return (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).softmax(dim=-1) @ v
    return F.scaled_dot_product_attention(q, k, v)
