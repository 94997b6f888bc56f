"""Layers whose weights are stored as integers of 8 or 4 bits.

A weight is `scale * code`, with one scale for each output channel and codes in -127..127 (8 bits) or -7..7 (4 bits, two
in a byte). It is made a float again whenever the layer computes, so such a layer saves memory and disk, not time. Where
activations are quantised too, the layer rounds its input to 256 steps between two bounds, in the arithmetic of floats.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Steps of a quantised activation, counted from 0.
LEVELS = 255


class Integers(nn.Module):
    """What both layers share: codes, scales, a bias, and perhaps bounds of the input.

    Args:
        shape: of the weight, outputs first.
        bits: 8 or 4.
        bias: whether there is one.
        activations: whether the input is rounded.
    """

    codes: Tensor
    scale: Tensor
    step: Tensor
    zero: Tensor

    def __init__(self, shape: torch.Size, bits: int, bias: bool, activations: bool):
        super().__init__()
        self.shape, self.bits = shape, bits
        each = math.prod(shape[1:])
        kind = torch.int8 if bits == 8 else torch.uint8
        self.register_buffer("codes", torch.zeros(shape[0], each if bits == 8 else -(-each // 2), dtype=kind))
        self.register_buffer("scale", torch.ones(shape[0]))
        self.bias = nn.Parameter(torch.zeros(shape[0])) if bias else None
        self.activations = activations
        if activations:
            self.register_buffer("step", torch.ones(()))
            self.register_buffer("zero", torch.zeros((), dtype=torch.int32))

    @property
    def weight(self) -> Tensor:
        """The weight as floats, of `shape`."""
        codes = self.codes if self.bits == 8 else unpacked(self.codes, math.prod(self.shape[1:]))
        return (codes.float() * self.scale[:, None]).view(self.shape)

    def store(self, codes: Tensor, scale: Tensor) -> None:
        """Take codes int8 of `shape` and scales `[outputs]`."""
        flat = codes.flatten(1)
        self.codes.copy_(flat if self.bits == 8 else packed(flat))
        self.scale.copy_(scale)

    def rounded(self, x: Tensor) -> Tensor:
        """The input, rounded where activations are quantised; the gradient passes as if it were not."""
        if not self.activations:
            return x
        return torch.fake_quantize_per_tensor_affine(x, self.step, self.zero, 0, LEVELS)


class IntegerLinear(Integers):
    """A linear layer with weights of integers."""

    def __init__(self, layer: nn.Linear, bits: int, activations: bool):
        super().__init__(layer.weight.shape, bits, layer.bias is not None, activations)
        self.in_features, self.out_features = layer.in_features, layer.out_features

    def forward(self, x: Tensor) -> Tensor:
        """`[...,in_features]` to `[...,out_features]`."""
        return F.linear(self.rounded(x), self.weight, self.bias)


class IntegerConv2d(Integers):
    """A convolution with weights of integers."""

    def __init__(self, layer: nn.Conv2d, bits: int, activations: bool):
        super().__init__(layer.weight.shape, bits, layer.bias is not None, activations)
        self.how: tuple[Any, ...] = (layer.stride, layer.padding, layer.dilation, layer.groups)

    def forward(self, x: Tensor) -> Tensor:
        """`[B,C,H,W]` to what the convolution makes of it."""
        return F.conv2d(self.rounded(x), self.weight, self.bias, *self.how)


def integers(layer: nn.Conv2d | nn.Linear, *, bits: int, activations: bool) -> Integers:
    """The layer with weights of integers, to be filled by `store`."""
    if isinstance(layer, nn.Linear):
        return IntegerLinear(layer, bits, activations)
    return IntegerConv2d(layer, bits, activations)


def packed(codes: Tensor) -> Tensor:
    """Codes in -8..7, int8 `[O,N]`, as uint8 `[O,ceil(N/2)]`: the first of each two in the lower half of the byte."""
    filled = F.pad(codes, (0, codes.shape[1] % 2))
    low, high = (filled[:, start::2].to(torch.int16) + 8 for start in (0, 1))
    return (low + 16 * high).to(torch.uint8)


def unpacked(codes: Tensor, count: int) -> Tensor:
    """The reverse of `packed`: int8 `[O,count]`."""
    pairs = torch.stack([codes % 16, codes // 16], dim=2).to(torch.int8) - 8
    return pairs.flatten(1)[:, :count]
