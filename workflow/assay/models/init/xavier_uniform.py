"""Xavier initialisation."""

from __future__ import annotations

import torch
from torch import nn

from assay import method
from assay.models.init.redraw import fans, redraw


@method(
    "init",
    "xavier-uniform",
    summary="Uniform with variance 2 / (fan-in + fan-out)",
    paper="Glorot and Bengio 2010, AISTATS",
    shapes="every weight [O,I] or [O,I,H,W] of convolutions and linear layers; shifts become 0",
)
def xavier_uniform(model: nn.Module, generator: torch.Generator) -> None:
    """Equation 16 of the paper: uniform in `±sqrt(6 / (fan_in + fan_out))`."""
    redraw(model, lambda w: w.uniform_(-((6 / sum(fans(w))) ** 0.5), (6 / sum(fans(w))) ** 0.5, generator=generator))
