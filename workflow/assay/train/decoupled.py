"""Nesterov SGD whose options do not interact, as the recipes of cifar10-airbench have it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from assay.train.eager import eager
from assay.train.optimisers.lookahead import Lookahead
from assay.train.recipe import Recipe


def triangle(steps: int, rise: float, last: float) -> Callable[[int], float]:
    """From 0.2 up to 1 over the share `rise` of the steps, rounded down, then to `last` after all; linear."""
    top = int(rise * steps)

    def rate(step: int) -> float:
        if step < top:
            return 0.2 + 0.8 * step / top
        return 1 - (1 - last) * (step - top) / (steps - top)

    return rate


def kinds(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """What is trained, as `shift` of normalisation layers, what lies in a layer called `whiten`, and the `rest`."""
    norms = (_NormBase, nn.GroupNorm, nn.LayerNorm)
    shifts = {id(module.bias) for module in model.modules() if isinstance(module, norms)}
    found: dict[str, list[nn.Parameter]] = {"rest": [], "shift": [], "whiten": []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            kind = "shift" if id(parameter) in shifts else "whiten" if "whiten" in name.split(".") else "rest"
            found[kind].append(parameter)
    return found


def decoupled(
    model: nn.Module,
    steps: int,
    rate: Callable[[int], float],
    *,
    batch: int,
    lr: float,
    momentum: float,
    weight_decay: float,
    bias_factor: float,
    whiten_steps: float,
    clip: float | None,
) -> Recipe:
    """Listing 4 of Jordan 2024 (arXiv:2404.00498): SGD with groups of its own, and Lookahead.

    With `k = 1024 (1 + 1 / (1 - momentum))` the learning rate of SGD on the mean loss is `lr batch / k`, and each step
    at full rate takes the share `weight_decay batch / k` from the weights, shifts included. So a gradient that stays
    the same moves the weights by the same for each image, whatever momentum and batch.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        rate: the schedule.
        batch: images a step.
        lr, momentum, weight_decay: see above.
        bias_factor: on the learning rate, and not on the decay, of normalisation shifts.
        whiten_steps: steps after which a layer called `whiten` stays.
        clip: see `Recipe`.
    """
    scale = batch / (1024 * (1 + 1 / (1 - momentum)))
    grouped = []
    for kind, parameters in kinds(model).items():
        own = lr * scale * (bias_factor if kind == "shift" else 1.0)
        group = {"params": parameters, "lr": own, "weight_decay": weight_decay * scale / own}
        if kind == "whiten":
            group["rate"] = lambda step: rate(step) if step < whiten_steps else 0.0
        if parameters:
            grouped.append(group)
    optimizer = eager(torch.optim.SGD)(grouped, momentum=momentum, nesterov=momentum > 0, fused=True)
    return Recipe(optimizer, rate, clip, average=Lookahead(model, steps))
