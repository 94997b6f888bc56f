"""Stochastic gradient descent with Nesterov momentum and a cosine schedule."""

from __future__ import annotations

import torch
from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.recipe import Recipe, cosine, groups


@method(
    "recipe",
    "sgd",
    summary="SGD with Nesterov momentum, warm-up and a cosine schedule",
    paper="Sutskever et al. 2013, ICML; Loshchilov and Hutter 2017, arXiv:1608.03983",
    optimiser="sgd",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(0.1, "highest learning rate", above=0),
        "momentum": Option(0.9, "momentum", at_least=0, below=1),
        "weight-decay": Option(5e-4, "L2 penalty on matrices and kernels", at_least=0),
        "warmup": Option(1.0, "epochs of linear warm-up", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def sgd(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,  # noqa: ARG001
    lr: float,
    momentum: float,
    weight_decay: float,
    warmup: float,
    clip: float | None,
) -> Recipe:
    """Nesterov's momentum as of Sutskever et al. 2013 in torch's form; without momentum, plain SGD.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns `warmup` into steps.
        lr, momentum, weight_decay, warmup, clip: see the options.
    """
    optimizer = eager(torch.optim.SGD)(
        groups(model, weight_decay), lr=lr, momentum=momentum, nesterov=momentum > 0, fused=True
    )
    return Recipe(optimizer, cosine(steps, round(warmup * steps / epochs)), clip)
