"""The recipe of the fastest CIFAR-10 training of 2024."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from assay import Option, method
from assay.train.eager import eager
from assay.train.optimisers.lookahead import Lookahead
from assay.train.recipe import Recipe


def triangle(steps: int) -> Callable[[int], float]:
    """From 0.2 up to 1 over the first 23% of the steps, then down to 0.07 after the last; linear."""
    top = int(0.23 * steps)

    def rate(step: int) -> float:
        if step < top:
            return 0.2 + 0.8 * step / top
        return 1 - 0.93 * (step - top) / (steps - top)

    return rate


@method(
    "recipe",
    "airbench94",
    summary="Nesterov SGD with decoupled options, a triangular schedule and Lookahead",
    paper="Jordan 2024, arXiv:2404.00498, listing 4",
    options={
        "epochs": Option(10, "passes over the train split", at_least=1),
        "batch": Option(1024, "images a step, at most", at_least=1),
        "lr": Option(11.5, "highest learning rate for 1024 images, whatever momentum and batch", above=0),
        "momentum": Option(0.85, "momentum", at_least=0, below=1),
        "weight-decay": Option(0.0153, "decay for 1024 images, whatever learning rate and momentum", at_least=0),
        "bias-factor": Option(64.0, "factor on the learning rate of normalisation shifts", above=0),
        "whiten-epochs": Option(3.0, "epochs in which the shift of a whitening layer is trained", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def airbench94(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,
    lr: float,
    momentum: float,
    weight_decay: float,
    bias_factor: float,
    whiten_epochs: float,
    clip: float | None,
) -> Recipe:
    """Works with any model; a layer called `whiten` and normalisation shifts are treated as in airbench94.

    With `k = 1024 (1 + 1 / (1 - momentum))` the learning rate of SGD on the mean loss is `lr batch / k`, and each step
    at full rate takes the share `weight_decay batch / k` from the weights, shifts included. The other parts of the
    paper stand elsewhere in an arm: the network, alternating flip and 2-pixel translation, and label smoothing 0.2. The
    paper runs 9.9 epochs and drops the rest of a batch.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs: turns `whiten_epochs` into steps.
        batch: see above.
        lr, momentum, weight_decay, bias_factor, whiten_epochs, clip: see the options.
    """
    scale = batch / (1024 * (1 + 1 / (1 - momentum)))
    shifts = {id(m.bias) for m in model.modules() if isinstance(m, _NormBase | nn.GroupNorm | nn.LayerNorm)}
    rate, until = triangle(steps), whiten_epochs * steps / epochs
    kinds: dict[str, list[nn.Parameter]] = {"rest": [], "shift": [], "whiten": []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            kind = "shift" if id(parameter) in shifts else "whiten" if "whiten" in name.split(".") else "rest"
            kinds[kind].append(parameter)
    rates = {"rest": rate, "shift": rate, "whiten": lambda step: rate(step) if step < until else 0.0}
    grouped = []
    for kind, parameters in kinds.items():
        own = lr * scale * (bias_factor if kind == "shift" else 1.0)
        decay = weight_decay * scale / own
        if parameters:
            grouped.append({"params": parameters, "lr": own, "weight_decay": decay, "rate": rates[kind]})
    optimizer = eager(torch.optim.SGD)(grouped, momentum=momentum, nesterov=momentum > 0, fused=True)
    return Recipe(optimizer, rate, clip, average=Lookahead(model, steps))
