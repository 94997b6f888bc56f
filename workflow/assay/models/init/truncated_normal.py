"""The initialisation of transformers."""

from __future__ import annotations

import torch
from torch import nn

from assay import Option, method
from assay.models.init.redraw import redraw
from assay.models.layers import truncated_


@method(
    "init",
    "truncated-normal",
    summary="Normal of one deviation for all layers, cut at two deviations",
    paper="Devlin et al. 2019, arXiv:1810.04805",
    options={"deviation": Option(0.02, "deviation before the normal is cut", above=0)},
    shapes="every weight [O,I] or [O,I,H,W] of convolutions and linear layers; shifts become 0",
)
def truncated_normal(model: nn.Module, generator: torch.Generator, *, deviation: float) -> None:
    """As in BERT and, since, in vision transformers. What is left has 0.88 times the deviation."""
    redraw(model, lambda weight: truncated_(weight, deviation, generator))
