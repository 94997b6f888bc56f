"""LeCun's initialisation."""

from __future__ import annotations

import torch
from torch import nn

from assay import method
from assay.models.init.redraw import fans, redraw


@method(
    "init",
    "lecun-normal",
    summary="Normal with variance 1 / fan-in",
    paper="LeCun et al. 1998, doi:10.1007/3-540-49430-8_2",
    shapes="every weight [O,I] or [O,I,H,W] of convolutions and linear layers; shifts become 0",
)
def lecun_normal(model: nn.Module, generator: torch.Generator) -> None:
    """Equation 16 of the paper, which keeps the variance of what passes forward as far as activations are linear."""
    redraw(model, lambda w: w.normal_(0, fans(w)[0] ** -0.5, generator=generator))
