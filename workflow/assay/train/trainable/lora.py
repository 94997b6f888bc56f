"""Additions of low rank train."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from assay import Option, method
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.train.trainable.freeze import Finish, finish, freeze


class LowRank(nn.Module):
    """`W -> W + alpha / rank * up @ down`, where W `[O,...]` counts as a matrix `[O,I]`.

    `down` `[rank,I]` is drawn from a normal of variance `1 / I`, `up` `[O,rank]` starts at 0. The rank is never larger
    than that of W.
    """

    def __init__(self, weight: Tensor, rank: int, alpha: float, generator: torch.Generator):
        super().__init__()
        outputs, inputs = weight.flatten(1).shape
        rank = min(rank, outputs, inputs)
        self.down = nn.Parameter(torch.randn(rank, inputs, generator=generator) * inputs**-0.5)
        self.up = nn.Parameter(torch.zeros(outputs, rank))
        self.factor = alpha / rank

    def forward(self, weight: Tensor) -> Tensor:
        """`[O,...]` to the same shape."""
        return weight + self.factor * (self.up @ self.down).view(weight.shape)


@method(
    "trainable",
    "lora",
    summary="Additions of low rank to the weights of a frozen model",
    paper="Hu et al. 2021, arXiv:2106.09685",
    options={
        "rank": Option(4, "rank of each addition", at_least=1),
        "alpha": Option(4.0, "factor on an addition, divided by its rank", above=0),
        "head": Option(True, "whether the linear head trains too"),
    },
)
def lora(model: Classifier, generator: torch.Generator, *, rank: int, alpha: float, head: bool) -> Finish:
    """Train `r * (O + I)` parameters for each convolution and linear layer of the backbone; Hu et al. 2021, eq. 3.

    O is the number of outputs and I that of inputs times places of a kernel (for one group), and r is `rank`, or O or I
    where that is less. The backbone stays in evaluation mode. Additions start at zero and are merged into the weights
    afterwards.

    Raises:
        MethodError: the backbone has no such layer.
    """
    freeze(model, head=head, still=True)
    layers = [
        module
        for module in model.backbone.modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and isinstance(module.weight, nn.Parameter)
    ]
    if not layers:
        raise MethodError("trainable: lora, and the model has no weights before its head to add to; try head")
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank, alpha, generator))
    return partial(finish, model, [(layer, "weight") for layer in layers])
