"""Normalisation layers alone are trained."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from assay import Option, method
from assay.errors import MethodError
from assay.train.eager import eager
from assay.train.recipe import Recipe, cosine, groups, part


@method(
    "recipe",
    "bn-only",
    summary="SGD on the scales and shifts of normalisation layers alone",
    paper="Frankle et al. 2021, arXiv:2003.00152",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(0.1, "highest learning rate", above=0),
        "momentum": Option(0.9, "momentum", at_least=0, below=1),
        "head": Option(False, "whether the linear head trains too"),
        "warmup": Option(1.0, "epochs of linear warm-up", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def bn_only(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,  # noqa: ARG001
    lr: float,
    momentum: float,
    head: bool,
    warmup: float,
    clip: float | None,
) -> Recipe:
    """Everything but the affine parameters of normalisation layers keeps its initial weights; nothing decays.

    What the arm has frozen already stays frozen.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns epochs into steps.
        lr, momentum, head, warmup, clip: see the options.

    Raises:
        MethodError: there is no normalisation layer to train.
    """
    kinds = (_NormBase, nn.GroupNorm, nn.LayerNorm)
    moved = {p for module in model.modules() if isinstance(module, kinds) for p in module.parameters(recurse=False)}
    if not any(parameter.requires_grad for parameter in moved):
        raise MethodError("recipe: bn-only, and the model has no normalisation layer to train; try linear-probe")
    moved |= set(part(model, "head")) if head else set()
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.requires_grad and parameter in moved)
    optimizer = eager(torch.optim.SGD)(groups(model, 0.0), lr=lr, momentum=momentum, nesterov=momentum > 0, fused=True)
    return Recipe(optimizer, cosine(steps, round(warmup * steps / epochs)), clip)
