"""AdamW that averages its iterates and needs no schedule."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.optimisers.schedule_free import Iterates, ScheduleFree
from assay.train.recipe import Recipe, groups


@method(
    "recipe",
    "schedule-free",
    summary="Schedule-free AdamW with warm-up",
    paper="Defazio et al. 2024, arXiv:2405.15682",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(5e-3, "learning rate after the warm-up", above=0),
        "beta1": Option(0.9, "share of the average in where gradients are taken", above=0, below=1),
        "beta2": Option(0.999, "decay of the mean of squared gradients", at_least=0, below=1),
        "weight-decay": Option(0.05, "decoupled decay of matrices and kernels", at_least=0),
        "warmup": Option(1.0, "epochs of linear warm-up", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def schedule_free(
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
    """See `assay.train.optimisers.schedule_free`; what is validated and handed on is the average.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns epochs into steps.
        lr, beta1, beta2, weight_decay, warmup, clip: see the options.
    """
    optimizer = eager(ScheduleFree)(groups(model, weight_decay), lr=lr, betas=(beta1, beta2))
    rise = round(warmup * steps / epochs)
    average = Iterates(model, optimizer)
    return Recipe(optimizer, lambda step: min(1.0, (step + 1) / rise) if rise else 1.0, clip, average=average)
