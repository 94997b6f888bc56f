"""The recipe of airbench94 with Muon."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.train.decoupled import kinds
from assay.train.eager import eager
from assay.train.optimisers.filter_muon import FilterMuon
from assay.train.recipe import Recipe, part


@method(
    "recipe",
    "airbench94-muon",
    summary="Muon on filters of fixed norm, Nesterov SGD on the rest, and rates that fall in a line",
    paper="Jordan et al. 2024, github.com/KellerJordan/cifar10-airbench, airbench94_muon.py",
    options={
        "epochs": Option(8, "passes over the train split", at_least=1),
        "batch": Option(2000, "images a step, at most", at_least=1),
        "lr": Option(0.24, "first learning rate of filters", above=0),
        "momentum": Option(0.6, "momentum of filters", at_least=0, below=1),
        "head-lr": Option(0.67, "first learning rate of the head, on the sum of the losses of a batch", above=0),
        "bias-lr": Option(0.053, "first learning rate of everything else, on that sum", above=0),
        "sgd-momentum": Option(0.85, "momentum of all but filters", at_least=0, below=1),
        "weight-decay": Option(2e-6, "decay for each image, of all but filters, whatever learning rate", at_least=0),
        "whiten-epochs": Option(3.0, "epochs in which the shift of a whitening layer is trained", above=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def airbench94_muon(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,
    lr: float,
    momentum: float,
    head_lr: float,
    bias_lr: float,
    sgd_momentum: float,
    weight_decay: float,
    whiten_epochs: float,
    clip: float | None,
) -> Recipe:
    """See `assay.train.optimisers.filter_muon`. Kernels, and matrices before the head, count as filters.

    Rates fall in a line from 1 to 0, that of a layer called `whiten` over its own epochs. What the script takes from
    the sum of the losses is here taken from their mean: learning rates of SGD are multiplied by `batch`.

    What stands elsewhere in an arm: `model: {method: airbench94, script: muon}`, alternating flip and translation by 2
    pixels (reflected), label smoothing 0.2, and `tta: mirror-translate`. The script drops the rest of a batch.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs: turns `whiten_epochs` into steps.
        batch: see above.
        lr, momentum, head_lr, bias_lr, sgd_momentum, weight_decay, whiten_epochs, clip: see the options.
    """
    whiten_steps = whiten_epochs * steps / epochs
    head = {id(parameter) for parameter in part(model, "head")}
    found = kinds(model)
    filters = [p for p in found["rest"] if p.ndim > 1 and id(p) not in head]
    first = {
        "whiten": (found["whiten"], bias_lr),
        "head": ([p for p in found["rest"] if p.ndim > 1 and id(p) in head], head_lr),
        "vectors": (found["shift"] + [p for p in found["rest"] if p.ndim <= 1], bias_lr),
    }
    grouped = []
    if filters:
        grouped.append({"params": filters, "lr": lr, "momentum": momentum, "filters": True})
    for kind, (parameters, highest) in first.items():
        group = {"params": parameters, "lr": highest * batch, "momentum": sgd_momentum, "filters": False}
        group["weight_decay"] = weight_decay / highest
        if kind == "whiten":
            group["rate"] = lambda step: max(0.0, 1 - step / whiten_steps)
        if parameters:
            grouped.append(group)
    return Recipe(eager(FilterMuon)(grouped), lambda step: 1 - step / steps, clip)
