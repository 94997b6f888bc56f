"""A pretrained backbone moves more slowly than its new head."""

from __future__ import annotations

import torch
from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.recipe import Recipe, cosine, groups, part


@method(
    "recipe",
    "finetune",
    summary="SGD with a lower learning rate for the backbone than for the head",
    paper="Howard and Ruder 2018, arXiv:1801.06146, section 3.2; Kornblith et al. 2019, arXiv:1805.08974",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(0.05, "highest learning rate of the head", above=0),
        "backbone": Option(0.1, "learning rate of the backbone over that of the head", at_least=0),
        "momentum": Option(0.9, "momentum", at_least=0, below=1),
        "weight-decay": Option(0.0005, "L2 penalty on matrices and kernels", at_least=0),
        "warmup": Option(1.0, "epochs of linear warm-up", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def finetune(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,  # noqa: ARG001
    lr: float,
    backbone: float,
    momentum: float,
    weight_decay: float,
    warmup: float,
    clip: float | None,
) -> Recipe:
    """Discriminative fine-tuning with two groups of layers; Nesterov momentum and a cosine schedule.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns epochs into steps.
        lr, backbone, momentum, weight_decay, warmup, clip: see the options.
    """
    head = set(part(model, "head"))
    grouped = []
    for group in groups(model, weight_decay):
        for parameters, factor in (
            ([parameter for parameter in group["params"] if parameter in head], 1.0),
            ([parameter for parameter in group["params"] if parameter not in head], backbone),
        ):
            if parameters:
                grouped.append({**group, "params": parameters, "lr": lr * factor})
    optimizer = eager(torch.optim.SGD)(grouped, lr=lr, momentum=momentum, nesterov=momentum > 0, fused=True)
    return Recipe(optimizer, cosine(steps, round(warmup * steps / epochs)), clip)
