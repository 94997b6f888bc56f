"""SGD with warm restarts."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.recipe import Recipe, groups


def restarts(first: float, factor: float) -> Callable[[int], float]:
    """Half a cosine from 1 to 0 over `first` steps, then over `factor` times as many, and so on."""

    def rate(step: int) -> float:
        past, length = float(step), first
        while past >= length:
            past -= length
            length *= factor
        return 0.5 * (1 + math.cos(math.pi * past / length))

    return rate


@method(
    "recipe",
    "sgdr",
    summary="SGD with Nesterov momentum and a cosine that starts again and again",
    paper="Loshchilov and Hutter 2017, arXiv:1608.03983",
    optimiser="sgd",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(0.05, "learning rate after each restart", above=0),
        "momentum": Option(0.9, "momentum", at_least=0, below=1),
        "weight-decay": Option(0.0005, "L2 penalty on matrices and kernels", at_least=0),
        "first": Option(10.0, "epochs before the first restart", above=0),
        "factor": Option(2.0, "each stretch is this many times as long as the one before", at_least=1),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def sgdr(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,  # noqa: ARG001
    lr: float,
    momentum: float,
    weight_decay: float,
    first: float,
    factor: float,
    clip: float | None,
) -> Recipe:
    """Eq. 5 of the paper with `eta_min = 0`, `T_0 = first` and `T_mult = factor`, followed step by step.

    Whole stretches end where the rate is 0: after 10, 30, 70 or 150 epochs with the defaults.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns epochs into steps.
        lr, momentum, weight_decay, first, factor, clip: see the options.
    """
    optimizer = eager(torch.optim.SGD)(
        groups(model, weight_decay), lr=lr, momentum=momentum, nesterov=momentum > 0, fused=True
    )
    return Recipe(optimizer, restarts(first * steps / epochs, factor), clip)
