"""Global magnitude pruning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from assay import Option, method
from assay.errors import MethodError
from assay.models.classifier import Classifier


class FineTune(Protocol):
    """Trains a model in place."""

    def __call__(self, model: Classifier, *, epochs: int, lr: float, after_step: Callable[[], None]) -> None:
        """Call `after_step()` after each step of the optimiser."""


@method(
    "compress",
    "magnitude",
    summary="Zero the smallest weights of the whole network, then fine-tune the rest",
    paper="Han et al. 2015, arXiv:1506.02626",
    options={
        "sparsity": Option(0.8, "share of the weights that become zero", above=0, below=1),
        "finetune-epochs": Option(10, "epochs of training after pruning", at_least=0),
        "finetune-lr": Option(0.01, "highest learning rate of the fine-tuning", above=0),
    },
)
def magnitude(
    model: Classifier, finetune: FineTune, *, sparsity: float, finetune_epochs: int, finetune_lr: float
) -> Classifier:
    """Prune once by one threshold on `|w|` for all kernels and matrices together; biases and norm layers stay.

    Args:
        model: changed in place and returned.
        finetune: trains the model; pruned weights are set back to zero after each step.
        sparsity: exactly `round(sparsity * N)` of the N weights are pruned, ties in the order of the layers.
        finetune_epochs, finetune_lr: see the options.

    Raises:
        MethodError: fewer zeros at the end than were asked for.
    """
    weights = prunable(model)
    masks = smallest(list(weights.values()), sparsity)

    @torch.no_grad()
    def hold() -> None:
        for weight, mask in zip(weights.values(), masks, strict=True):
            weight.masked_fill_(mask, 0.0)

    hold()
    if finetune_epochs:
        finetune(model, epochs=finetune_epochs, lr=finetune_lr, after_step=hold)
    total = sum(weight.numel() for weight in weights.values())
    zeros = {name: int((weight == 0).sum()) for name, weight in weights.items()}
    if sum(zeros.values()) < round(sparsity * total):
        raise MethodError(f"{sum(zeros.values())} of {total} weights are zero, {round(sparsity * total)} should be")
    print(f"pruned {sum(zeros.values())} of {total} weights ({sum(zeros.values()) / total:.2%})")
    for name, weight in weights.items():
        print(f"  {name}: {zeros[name]} of {weight.numel()} are zero")
    return model


def prunable(model: nn.Module) -> dict[str, Tensor]:
    """The weights of all convolutions and linear layers by name."""
    return {
        f"{name}.weight": module.weight
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    }


def smallest(weights: list[Tensor], share: float) -> list[Tensor]:
    """Masks, true at the `round(share * N)` of all N values that are smallest in magnitude."""
    flat = torch.cat([weight.detach().abs().flatten() for weight in weights])
    mask = torch.zeros_like(flat, dtype=torch.bool)
    mask[flat.argsort(stable=True)[: round(share * len(flat))]] = True
    parts = mask.split([weight.numel() for weight in weights])
    return [part.view(weight.shape) for part, weight in zip(parts, weights, strict=True)]
