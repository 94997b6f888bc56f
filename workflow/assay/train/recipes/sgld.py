"""Noisy gradient steps that sample weights."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.optimisers.sgld import Sgld
from assay.train.recipe import Recipe, groups


@method(
    "recipe",
    "sgld",
    summary="Stochastic gradient Langevin dynamics with a falling step",
    paper="Welling and Teh 2011, ICML",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(0.05, "learning rate of the first step", above=0),
        "temperature": Option(
            2e-5, "variance of the noise over twice the learning rate; 1 / images is that of the posterior", at_least=0
        ),
        "weight-decay": Option(0.0005, "L2 penalty on matrices and kernels", at_least=0),
        "offset": Option(1.0, "epochs over which the learning rate stays about as it is", above=0),
        "power": Option(0.55, "power of the time by which it falls then", at_least=0, at_most=1),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def sgld(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,  # noqa: ARG001
    lr: float,
    temperature: float,
    weight_decay: float,
    offset: float,
    power: float,
    clip: float | None,
) -> Recipe:
    """See `assay.train.optimisers.sgld`; the step sizes are `a (b + t)^-power` of the paper, with `b = offset`.

    What is handed on is the last sample; with `swa` it is the mean of samples.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns epochs into steps.
        lr, temperature, weight_decay, offset, power, clip: see the options.
    """
    optimizer = eager(Sgld)(groups(model, weight_decay), lr=lr, temperature=temperature)
    start = offset * steps / epochs
    return Recipe(optimizer, lambda step: (1 + step / start) ** -power, clip, seed=optimizer.seed)
