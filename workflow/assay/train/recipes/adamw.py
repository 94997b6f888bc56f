"""Adam with decoupled weight decay and a cosine schedule."""

from __future__ import annotations

import torch
from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.recipe import Recipe, cosine, groups


@method(
    "recipe",
    "adamw",
    summary="AdamW with warm-up and a cosine schedule",
    paper="Loshchilov and Hutter 2019, arXiv:1711.05101",
    optimiser="adam",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(2e-3, "highest learning rate", above=0),
        "beta1": Option(0.9, "decay of the mean of gradients", at_least=0, below=1),
        "beta2": Option(0.999, "decay of the mean of squared gradients", at_least=0, below=1),
        "weight-decay": Option(0.05, "decoupled decay of matrices and kernels", at_least=0),
        "warmup": Option(1.0, "epochs of linear warm-up", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def adamw(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,  # noqa: ARG001
    lr: float,
    beta1: float,
    beta2: float,
    weight_decay: float,
    warmup: float,
    clip: float | None,
) -> Recipe:
    """Algorithm 2 of Loshchilov and Hutter 2019 with `eta_t` the cosine schedule.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns `warmup` into steps.
        lr, beta1, beta2, weight_decay, warmup, clip: see the options.
    """
    optimizer = eager(torch.optim.AdamW)(groups(model, weight_decay), lr=lr, betas=(beta1, beta2), fused=True)
    return Recipe(optimizer, cosine(steps, round(warmup * steps / epochs)), clip)
