"""Layers of torch with the initial weights of a paper in place of the common rule."""

from __future__ import annotations

import torch
from torch import nn


class FanInConv2d(nn.Conv2d):
    """A convolution drawn from a normal with variance `2 / fan_in` (He et al. 2015, arXiv:1502.01852); no shift."""

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights."""
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu", generator=generator)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class TruncatedConv2d(nn.Conv2d):
    """A convolution drawn from a truncated normal: of deviation `deviation`, or `1/sqrt(fan_in)` where it is None."""

    deviation: float | None = 0.02

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights; the shift is 0."""
        fan_in = self.weight[0].numel()
        truncated_(self.weight, fan_in**-0.5 if self.deviation is None else self.deviation, generator)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class PatchConv2d(TruncatedConv2d):
    """The patch embedding of transformers: truncated normal of deviation `1/sqrt(fan_in)`, as if it were linear."""

    deviation = None


class TruncatedLinear(nn.Linear):
    """A linear layer drawn from a truncated normal of deviation 0.02, as in transformers since BERT; no shift."""

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights."""
        truncated_(self.weight, 0.02, generator)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


def truncated_(values: torch.Tensor, deviation: float, generator: torch.Generator) -> None:
    """Fill with a normal that is cut at two deviations."""
    nn.init.trunc_normal_(values, std=deviation, a=-2 * deviation, b=2 * deviation, generator=generator)
