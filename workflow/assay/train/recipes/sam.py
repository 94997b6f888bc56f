"""SGD towards flat minima."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.optimisers.sam import ascent
from assay.train.recipe import Recipe, cosine, groups


@method(
    "recipe",
    "sam",
    summary="SGD whose gradient is taken where the loss nearby is highest",
    paper="Foret et al. 2021, arXiv:2010.01412",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(0.1, "highest learning rate", above=0),
        "rho": Option(0.05, "how far away the gradient is taken; 0 is sgd", at_least=0),
        "momentum": Option(0.9, "momentum", at_least=0, below=1),
        "weight-decay": Option(0.0005, "L2 penalty on matrices and kernels", at_least=0),
        "warmup": Option(1.0, "epochs of linear warm-up", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def sam(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,  # noqa: ARG001
    lr: float,
    rho: float,
    momentum: float,
    weight_decay: float,
    warmup: float,
    clip: float | None,
) -> Recipe:
    """See `assay.train.optimisers.sam`; two passes a step. The logged loss is that at the weights themselves.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns epochs into steps.
        lr, rho, momentum, weight_decay, warmup, clip: see the options.
    """
    optimizer = eager(torch.optim.SGD)(
        groups(model, weight_decay), lr=lr, momentum=momentum, nesterov=momentum > 0, fused=True
    )
    rate = cosine(steps, round(warmup * steps / epochs))
    return Recipe(optimizer, rate, clip, ascent=partial(ascent, model, rho))
