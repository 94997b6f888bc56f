"""One cycle of the learning rate, against one of the momentum."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.recipe import Recipe, groups


def through(steps: list[float], values: list[float]) -> Callable[[int], float]:
    """Straight lines between values at given steps; stretches that have no length are passed over."""

    def at(step: int) -> float:
        for (left, right), (low, high) in zip(pairwise(steps), pairwise(values), strict=True):
            if left < right and step <= right:
                return low + (high - low) * (step - left) / (right - left)
        return values[-1]

    return at


@method(
    "recipe",
    "onecycle",
    summary="SGD with one cycle of learning rate and momentum",
    paper="Smith 2018, arXiv:1803.09820",
    optimiser="sgd",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(0.2, "highest learning rate", above=0),
        "momentum": Option(0.95, "momentum where the learning rate is low", above=0, below=1),
        "low-momentum": Option(0.85, "momentum where the learning rate is highest", above=0, below=1),
        "weight-decay": Option(0.0005, "L2 penalty on matrices and kernels", at_least=0),
        "rise": Option(
            0.45, "share of the run in which the learning rate rises, and again in which it falls", above=0, at_most=0.5
        ),
        "divisor": Option(10.0, "highest learning rate over the first", at_least=1),
        "last-divisor": Option(1e4, "first learning rate over the last", at_least=1),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def onecycle(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,  # noqa: ARG001
    batch: int,  # noqa: ARG001
    lr: float,
    momentum: float,
    low_momentum: float,
    weight_decay: float,
    rise: float,
    divisor: float,
    last_divisor: float,
    clip: float | None,
) -> Recipe:
    """Linear in three parts, as in section 4.3 of the paper: up, down to where it began, and then further down.

    Momentum falls while the learning rate rises, and the other way round, and stays high in the last part.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop.
        lr, momentum, low_momentum, weight_decay, rise, divisor, last_divisor, clip: see the options.
    """
    optimizer = eager(torch.optim.SGD)(groups(model, weight_decay), lr=lr, momentum=momentum, nesterov=True, fused=True)
    turns = [0.0, rise * steps - 1, 2 * rise * steps - 2, steps - 1.0]
    rate = through(turns, [1 / divisor, 1.0, 1 / divisor, 1 / (divisor * last_divisor)])
    return Recipe(optimizer, rate, clip, momentum=through(turns, [momentum, low_momentum, momentum, momentum]))
