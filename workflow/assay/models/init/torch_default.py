"""The initialisation that torch's layers have by themselves."""

from __future__ import annotations

import torch
from torch import nn

from assay import method
from assay.models.init.redraw import fans, layers, redraw


@method(
    "init",
    "torch",
    summary="Weights and shifts uniform in ±1 / sqrt(fan-in), as torch's layers draw them by themselves",
    shapes="every weight [O,I] or [O,I,H,W] of convolutions and linear layers, and their shifts",
)
def torch_default(model: nn.Module, generator: torch.Generator) -> None:
    """A variance of `1 / (3 fan_in)`, which is that of `kaiming_uniform_` with a slope of sqrt(5)."""
    redraw(model, lambda w: w.uniform_(-(fans(w)[0] ** -0.5), fans(w)[0] ** -0.5, generator=generator))
    with torch.no_grad():
        for layer in layers(model):
            if isinstance(layer.bias, nn.Parameter):
                bound = fans(layer.weight)[0] ** -0.5
                layer.bias.uniform_(-bound, bound, generator=generator)
