"""Tau-normalised classifier."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import Option, method
from assay.models.classifier import Classifier


@method(
    "adjust",
    "tau-norm",
    summary="Divide each class's weights in the head by a power of their norm, which grows with its count",
    paper="Kang et al. 2020, arXiv:1910.09217",
    options={"tau": Option(1.0, "0 leaves the norms as they are, 1 makes them equal", at_least=0, at_most=1)},
)
@torch.no_grad()
def tau_norm(
    model: Classifier,
    counts: Tensor,  # noqa: ARG001
    finetune: object,  # noqa: ARG001
    generator: torch.Generator,  # noqa: ARG001
    *,
    tau: float,
) -> Classifier:
    """`w_j / |w_j|^tau` for the weights of each class, and no bias, as in the paper.

    Args:
        model: changed in place and returned.
        counts, finetune, generator: not used here.
        tau: see the option. The paper chooses it on the validation split; a `sweep` shows what it does.
    """
    model.head.weight /= model.head.weight.norm(dim=1, keepdim=True) ** tau
    model.head.bias.zero_()
    return model
