"""The identity as initialisation of convolutions."""

from __future__ import annotations

import torch
from torch import nn

from assay import method
from assay.models.init.redraw import fans, layers


@method(
    "init",
    "dirac",
    summary="Convolutions that hand their inputs on; further channels and linear layers as torch draws them",
    paper="Zagoruyko and Komodakis 2017, arXiv:1706.00388; Jordan 2024, arXiv:2404.00498",
    shapes="every weight [O,I] or [O,I,H,W] of convolutions and linear layers; shifts become 0",
)
@torch.no_grad()
def dirac(model: nn.Module, generator: torch.Generator) -> None:
    """Of each group, output c is input c as far as there are inputs; all else is uniform in `±1 / sqrt(fan_in)`.

    This is what the networks of airbench have by themselves (section 3.3 of Jordan 2024).
    """
    for layer in layers(model):
        bound = fans(layer.weight)[0] ** -0.5
        layer.weight.uniform_(-bound, bound, generator=generator)
        if isinstance(layer, nn.Conv2d):
            for part in layer.weight.chunk(layer.groups):
                nn.init.dirac_(part[: part.shape[1]])
        if isinstance(layer.bias, nn.Parameter):
            layer.bias.zero_()
