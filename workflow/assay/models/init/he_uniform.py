"""He's uniform initialisation."""

from __future__ import annotations

import torch
from torch import nn

from assay import method
from assay.models.init.redraw import fans, redraw


@method(
    "init",
    "he-uniform",
    summary="Uniform with variance 2 / fan-in",
    paper="He et al. 2015, arXiv:1502.01852",
    shapes="every weight [O,I] or [O,I,H,W] of convolutions and linear layers; shifts become 0",
)
def he_uniform(model: nn.Module, generator: torch.Generator) -> None:
    """Equation 10 of the paper, drawn from a uniform distribution in `±sqrt(6 / fan_in)`."""
    redraw(model, lambda w: w.uniform_(-((6 / fans(w)[0]) ** 0.5), (6 / fans(w)[0]) ** 0.5, generator=generator))
