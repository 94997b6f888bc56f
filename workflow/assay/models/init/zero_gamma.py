"""Residual branches that begin as nothing."""

from __future__ import annotations

import torch
from torch import nn

from assay import method
from assay.errors import MethodError


@method(
    "init",
    "zero-gamma",
    summary="The last scale of each residual branch starts at 0; all else as the model has it",
    paper="Goyal et al. 2017, arXiv:1706.02677, section 5.1",
    shapes="the scale [C] of the last norm layer of each residual branch",
)
@torch.no_grad()
def zero_gamma(model: nn.Module, generator: torch.Generator) -> None:  # noqa: ARG001
    """Each block begins as its shortcut. Blocks say by a method `last_norm()` which layer that is.

    Raises:
        MethodError: a model without residual branches that end in a norm layer with a trained scale.
    """
    scales = []
    for module in model.modules():
        last = getattr(module, "last_norm", None)
        norm = last() if callable(last) else None
        if norm is not None and isinstance(norm.weight, nn.Parameter):
            scales.append(norm.weight)
    if not scales:
        raise MethodError(
            "init: zero-gamma needs residual branches that end in normalisation, such as those of resnet8, resnet50 or "
            "mobilenetv2; this model has none"
        )
    for scale in scales:
        scale.zero_()
