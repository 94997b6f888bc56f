"""The head alone is trained."""

from __future__ import annotations

import torch
from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.recipe import Recipe, cosine, groups, part


@method(
    "recipe",
    "linear-probe",
    summary="SGD on the linear head, on features that stay as they are",
    paper="Alain and Bengio 2017, arXiv:1610.01644",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(0.1, "highest learning rate", above=0),
        "momentum": Option(0.9, "momentum", at_least=0, below=1),
        "weight-decay": Option(0.0, "L2 penalty on matrices and kernels", at_least=0),
        "warmup": Option(0.0, "epochs of linear warm-up", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def linear_probe(
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
    """A logistic regression on the features of a frozen backbone, which stays in evaluation mode.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns epochs into steps.
        lr, momentum, weight_decay, warmup, clip: see the options.
    """
    head = set(part(model, "head"))
    for parameter in model.parameters():
        parameter.requires_grad_(parameter in head)
    optimizer = eager(torch.optim.SGD)(
        groups(model, weight_decay), lr=lr, momentum=momentum, nesterov=momentum > 0, fused=True
    )
    return Recipe(optimizer, cosine(steps, round(warmup * steps / epochs)), clip)
