"""Orthogonal initialisation."""

from __future__ import annotations

import torch
from torch import nn

from assay import Option, method
from assay.models.init.redraw import redraw


@method(
    "init",
    "orthogonal",
    summary="Random matrices with orthonormal rows or columns, times a gain",
    paper="Saxe et al. 2014, arXiv:1312.6120",
    options={"gain": Option(1.0, "what they are multiplied by; sqrt(2) makes up for ReLUs", above=0)},
    shapes="every weight [O,I] or [O,I,H,W], as [O,I*H*W], of convolutions and linear layers; shifts become 0",
)
def orthogonal(model: nn.Module, generator: torch.Generator, *, gain: float) -> None:
    """Section 3 of the paper: the shorter of rows and columns is orthonormal, so no singular value differs."""
    redraw(model, lambda weight: nn.init.orthogonal_(weight, gain, generator=generator))
