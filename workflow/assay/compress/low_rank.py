"""Low-rank factorisation of kernels and matrices."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from assay import Option, method
from assay.errors import MethodError
from assay.models.changes import apply
from assay.models.classifier import Classifier
from assay.models.masks import prunable


class FineTune(Protocol):
    """Trains a model in place."""

    def __call__(self, model: Classifier, *, epochs: int, lr: float) -> None:
        """See `assay.train.finetune`."""


@method(
    "compress",
    "low-rank",
    summary="Each kernel or matrix becomes the product of two thinner ones, then both are fine-tuned",
    paper="Denil et al. 2013, arXiv:1306.0543; Zhang et al. 2015, arXiv:1411.4229, section 3.1",
    options={
        "share": Option(0.5, "of a layer's weights that its two factors may hold together", above=0, below=1),
        "finetune-epochs": Option(10, "epochs of training after the factorisation", at_least=0),
        "finetune-lr": Option(0.01, "highest learning rate of the fine-tuning", above=0),
    },
)
def low_rank(
    model: Classifier, finetune: FineTune, *, share: float, finetune_epochs: int, finetune_lr: float
) -> Classifier:
    """`W ~ (U_r S_r^(1/2)) (S_r^(1/2) V_r^T)`, the best approximation of rank r, for W `[O, I*h*w]` of each layer.

    r is the largest rank at which the factors hold no more than `share` of the layer's weights,
    `r <= share * O*I*h*w / (O + I*h*w)`. Layers where that is below 1, convolutions in groups and the head stay.

    Args:
        model: changed in place and returned.
        finetune: trains the model.
        share, finetune_epochs, finetune_lr: see the options.

    Raises:
        MethodError: no layer is left to factorise.
    """
    count = 0
    for name, layer in prunable(model).items():
        rank = affordable(layer.weight, share)
        if rank < 1 or name == "head" or (isinstance(layer, nn.Conv2d) and layer.groups > 1):
            continue
        first, second = factors(layer.weight.detach().flatten(1), rank)
        made = apply(model, layer=name, kind="low-rank", rank=rank)
        with torch.no_grad():
            made[0].weight.copy_(first.view_as(made[0].weight))  # type: ignore[index]
            made[1].weight.copy_(second.view_as(made[1].weight))  # type: ignore[index]
            if layer.bias is not None:
                made[1].bias.copy_(layer.bias)  # type: ignore[index]
        print(f"{name}: rank {rank} of {min(layer.weight.flatten(1).shape)}")
        count += 1
    if not count:
        raise MethodError(f"low-rank: at share = {share} no layer has a rank of 1 or more; take a larger share")
    if finetune_epochs:
        finetune(model, epochs=finetune_epochs, lr=finetune_lr)
    return model


def affordable(weight: Tensor, share: float) -> int:
    """The largest rank whose factors hold at most `share` of the weights."""
    return int(share * weight.numel() / (weight.shape[0] + weight[0].numel()))


def factors(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """`[r,N]` and `[O,r]` with the product `second @ first` nearest to `[O,N]`, both of the same norm.

    By Eckart and Young 1936 (doi:10.1007/BF02288367) that is what the `rank` largest singular values leave.
    """
    u, s, v = torch.linalg.svd(matrix.double().cpu(), full_matrices=False)
    root = s[:rank].sqrt()
    first, second = root[:, None] * v[:rank], u[:, :rank] * root
    return first.to(matrix), second.to(matrix)
