"""What a recipe hands to the training loop, and the schedule and parameter groups that recipes share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from assay.errors import MethodError
from assay.study.registry import Registry, bind
from assay.train.average import Average, Ema, Swa


@dataclass
class Recipe:
    """An optimiser and how its learning rate moves, and what else a recipe may ask of the loop.

    Attributes:
        optimizer: a parameter group may have a `rate` of its own.
        rate: `rate(step)` is the factor on each parameter group's own learning rate at optimiser step `step`, counted
            from 0.
        clip: bounds the norm of the whole gradient; None leaves it alone.
        momentum: `momentum(step)` of every group, where it moves.
        average: which weights are handed on; None: those that the optimiser moves.
        ascent: opens a context in which the weights lie elsewhere, there to take the gradient that the step follows.
        seed: takes the seed of the noise that the optimiser adds.
        accumulate, patience, norm_loss: see `assay.study.registry.SHARED`.
    """

    optimizer: torch.optim.Optimizer
    rate: Callable[[int], float]
    clip: float | None = None
    momentum: Callable[[int], float] | None = None
    average: Average | None = None
    ascent: Callable[[], AbstractContextManager[None]] | None = None
    seed: Callable[[int], None] | None = None
    accumulate: int = 1
    patience: int | None = None
    norm_loss: float = 0.0


def prepare(registry: Registry, entry: Mapping[str, Any], model: nn.Module, steps: int, seed: int) -> Recipe:
    """The recipe that a config entry names, with what the entry says for every recipe.

    Args:
        registry: where the method is found.
        entry: a whole entry of kind `recipe`.
        model: what it trains.
        steps: optimiser steps of the whole run.
        seed: of the optimiser's noise, where it adds any.

    Raises:
        MethodError: two ways at once to average the weights.
    """
    recipe: Recipe = bind(registry, "recipe", dict(entry))(model, steps)
    if recipe.seed:
        recipe.seed(seed)
    recipe.accumulate = entry.get("accumulate", 1)
    recipe.patience = entry.get("patience")
    recipe.norm_loss = entry.get("norm-loss", 0.0)
    ways = [name for name in ("ema", "swa") if entry.get(name) is not None]
    if len(ways) + (recipe.average is not None) > 1:
        named = " and ".join([*ways, *([entry["method"]] if recipe.average else [])])
        raise MethodError(f"recipe: {named} each average the weights in their own way; keep one and set the other null")
    if entry.get("ema") is not None:
        recipe.average = Ema(model, entry["ema"])
    if entry.get("swa") is not None:
        epoch = steps // entry["epochs"]
        begin = steps - max(1, round(entry["swa"] * entry["epochs"])) * epoch
        recipe.average = Swa(model, begin, epoch)
        rate = recipe.rate
        recipe.rate = lambda step: rate(min(step, begin))
    return recipe


def training_mode(model: nn.Module) -> None:
    """Training mode, but for parts that have parameters of which none is trained: those stay in evaluation mode.

    So a frozen backbone gives the same features in any batch, and keeps its running statistics.
    """
    model.train()
    for part in model.modules():
        parameters = list(part.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            part.eval()


def cosine(steps: int, warmup: int) -> Callable[[int], float]:
    """Linear warm-up over `warmup` steps, then half a cosine to 0.

    The cosine is eq. 5 of Loshchilov and Hutter 2017 (arXiv:1608.03983) without restarts. The first step of the
    warm-up already moves (factor `1/warmup`), and the step after the last would have factor 0.
    """
    warmup = min(warmup, steps)

    def rate(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))

    return rate


def groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups in which matrices and kernels decay, and biases and norm layers' scales do not.

    Raises:
        MethodError: nothing in the model is to be trained.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise MethodError("the recipe finds nothing to train in this model")
    decayed = [parameter for parameter in trained if parameter.ndim > 1]
    rest = [parameter for parameter in trained if parameter.ndim <= 1]
    return [
        {"params": parameters, "weight_decay": decay}
        for parameters, decay in ((decayed, weight_decay), (rest, 0.0))
        if parameters
    ]


def part(model: nn.Module, name: str) -> list[nn.Parameter]:
    """The parameters under a part called `name`, however deep, such as `head` in `model.head.weight`."""
    return [parameter for path, parameter in model.named_parameters() if name in path.split(".")[:-1]]
