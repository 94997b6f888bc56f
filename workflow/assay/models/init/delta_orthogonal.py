"""Delta-orthogonal initialisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assay import Option, method
from assay.models.init.redraw import layers


@method(
    "init",
    "delta-orthogonal",
    summary="An orthogonal matrix at the centre of each kernel, and zeros around it",
    paper="Xiao et al. 2018, arXiv:1806.05393",
    options={"gain": Option(1.0, "what the matrices are multiplied by; sqrt(2) makes up for ReLUs", above=0)},
    shapes="every weight [O,I] or [O,I,H,W] of convolutions and linear layers; shifts become 0",
)
@torch.no_grad()
def delta_orthogonal(model: nn.Module, generator: torch.Generator, *, gain: float) -> None:
    """Algorithm 1 of the paper: such a convolution keeps the norm of its input, if it has no fewer outputs than inputs.

    Each group of a convolution has a matrix of its own. Linear layers count as kernels of one place.
    """
    for layer in layers(model):
        weight: Tensor = layer.weight
        weight.zero_()
        centre = weight[:, :, weight.shape[2] // 2, weight.shape[3] // 2] if weight.ndim == 4 else weight
        for part in centre.chunk(layer.groups if isinstance(layer, nn.Conv2d) else 1):
            part.copy_(nn.init.orthogonal_(torch.empty(part.shape), gain, generator=generator))
        if isinstance(layer.bias, nn.Parameter):
            layer.bias.zero_()
