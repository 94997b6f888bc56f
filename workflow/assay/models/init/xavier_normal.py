"""Xavier initialisation, drawn from a normal."""

from __future__ import annotations

import torch
from torch import nn

from assay import method
from assay.models.init.redraw import fans, redraw


@method(
    "init",
    "xavier-normal",
    summary="Normal with variance 2 / (fan-in + fan-out)",
    paper="Glorot and Bengio 2010, AISTATS",
    shapes="every weight [O,I] or [O,I,H,W] of convolutions and linear layers; shifts become 0",
)
def xavier_normal(model: nn.Module, generator: torch.Generator) -> None:
    """Equation 12 of the paper: a compromise between what passes forward and what passes back."""
    redraw(model, lambda w: w.normal_(0, (2 / sum(fans(w))) ** 0.5, generator=generator))
