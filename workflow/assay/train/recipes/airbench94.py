"""The recipe of the fastest CIFAR-10 training of 2024."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.train.decoupled import decoupled, triangle
from assay.train.recipe import Recipe


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
    """Works with any model; a layer called `whiten` and normalisation shifts are treated as in the paper.

    The rate rises from 0.2 to 1 over the first 23 % of the steps and falls to 0.07. The other parts of the paper stand
    elsewhere in an arm: the network, alternating flip and translation by 2 pixels (reflected), label smoothing 0.2, and
    `tta: mirror-translate`. The paper runs 9.9 epochs and drops the rest of a batch.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs: turns `whiten_epochs` into steps.
        batch, lr, momentum, weight_decay, bias_factor, clip: see `assay.train.decoupled`.
        whiten_epochs: see the options.
    """
    return decoupled(
        model,
        steps,
        triangle(steps, 0.23, 0.07),
        batch=batch,
        lr=lr,
        momentum=momentum,
        weight_decay=weight_decay,
        bias_factor=bias_factor,
        whiten_steps=whiten_epochs * steps / epochs,
        clip=clip,
    )
