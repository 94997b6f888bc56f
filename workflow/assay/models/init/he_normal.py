"""He's normal initialisation."""

from __future__ import annotations

import torch
from torch import nn

from assay import method
from assay.models.init.redraw import fans, redraw


@method(
    "init",
    "he-normal",
    summary="Normal with variance 2 / fan-in",
    paper="He et al. 2015, arXiv:1502.01852",
    shapes="every weight [O,I] or [O,I,H,W] of convolutions and linear layers; shifts become 0",
)
def he_normal(model: nn.Module, generator: torch.Generator) -> None:
    """Equation 10 of the paper, which keeps the variance of what passes forward through ReLUs."""
    redraw(model, lambda w: w.normal_(0, (2 / fans(w)[0]) ** 0.5, generator=generator))
