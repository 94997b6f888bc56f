"""N:M sparsity."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from assay import Option, method
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.models.masks import drop, tell, weights


class FineTune(Protocol):
    """Trains a model in place, and leaves weights that are zero at zero."""

    def __call__(self, model: Classifier, *, epochs: int, lr: float) -> None:
        """See `assay.train.finetune`."""


@method(
    "compress",
    "n-of-m",
    summary="Keep the N largest of every M neighbouring weights (2:4 and its like), then fine-tune the rest",
    paper="Zhou et al. 2021, arXiv:2102.04010; Mishra et al. 2021, arXiv:2104.08378",
    options={
        "n": Option(2, "weights of a group that stay", at_least=1),
        "m": Option(4, "weights of a group", at_least=2),
        "finetune-epochs": Option(10, "epochs of training after pruning", at_least=0),
        "finetune-lr": Option(0.01, "highest learning rate of the fine-tuning", above=0),
    },
)
def n_of_m(
    model: Classifier, finetune: FineTune, *, n: int, m: int, finetune_epochs: int, finetune_lr: float
) -> Classifier:
    """Groups are M consecutive input channels (inputs of a linear layer) of one output at one place of the kernel.

    That is how sparse tensor cores take them. A layer whose inputs M does not divide stays dense, and the log says so.

    Args:
        model: changed in place and returned.
        finetune: trains the model; zeros stay zero.
        n, m: see the options; ties keep the first of a group.
        finetune_epochs, finetune_lr: see the options.

    Raises:
        MethodError: N is not below M, or M divides the inputs of no layer.
    """
    if n >= m:
        raise MethodError(f"n-of-m keeps n of m weights, so n must be below m = {m}, and is {n}")
    kept = {}
    for name, weight in weights(model).items():
        if weight.shape[1] % m:
            print(f"{name} stays dense: {m} does not divide its {weight.shape[1]} inputs")
        else:
            kept[name] = largest(weight.detach(), n, m)
    if not kept:
        raise MethodError(f"n-of-m: {m} divides the inputs of no layer; choose another m")
    drop(model, kept)
    if finetune_epochs:
        finetune(model, epochs=finetune_epochs, lr=finetune_lr)
    tell(model)
    return model


def largest(weight: Tensor, n: int, m: int) -> Tensor:
    """A mask, true at the n largest in magnitude of each m neighbours along the axis of inputs, axis 1."""
    groups = weight.abs().movedim(1, -1).unflatten(-1, (-1, m))
    order = groups.argsort(dim=-1, descending=True, stable=True)
    keep = torch.zeros_like(groups, dtype=torch.bool).scatter_(-1, order[..., :n], True)
    return keep.flatten(-2).movedim(-1, 1)
