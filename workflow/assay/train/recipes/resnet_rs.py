"""What ResNet-RS changed about training, as far as it belongs to a recipe."""

from __future__ import annotations

import torch
from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.recipe import Recipe, cosine, groups


@method(
    "recipe",
    "resnet-rs",
    summary="SGD by the training methods of ResNet-RS",
    paper="Bello et al. 2021, arXiv:2103.07579",
    optimiser="sgd",
    options={
        "epochs": Option(350, "passes over the train split", at_least=1),
        "batch": Option(256, "images a step, at most", at_least=1),
        "lr": Option(0.1, "highest learning rate for a batch of 256; other batches scale it", above=0),
        "momentum": Option(0.9, "momentum", at_least=0, below=1),
        "weight-decay": Option(4e-05, "L2 penalty on matrices and kernels", at_least=0),
        "warmup": Option(5.0, "epochs of linear warm-up", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
        "ema": Option(
            0.9999,
            "decay a step of the running mean of the weights that is handed on",
            type=float,
            above=0,
            below=1,
            optional=True,
        ),
    },
)
def resnet_rs(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,
    lr: float,
    momentum: float,
    weight_decay: float,
    warmup: float,
    clip: float | None,
) -> Recipe:
    """Cosine schedule, long training, an EMA of the weights, and a small weight decay (section 4 of the paper).

    Its other parts stand elsewhere in an arm: label smoothing 0.1 in `loss`, RandAugment in `augment`, dropout of the
    features in `dropout` (multi-sample-dropout with one sample and rate 0.25); stochastic depth would belong to the
    model.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs: turns `warmup` into steps.
        batch: the learning rate is `lr * batch / 256`.
        lr, momentum, weight_decay, warmup, clip: see the options; `ema` is the loop's.
    """
    optimizer = eager(torch.optim.SGD)(
        groups(model, weight_decay), lr=lr * batch / 256, momentum=momentum, nesterov=momentum > 0, fused=True
    )
    return Recipe(optimizer, cosine(steps, round(warmup * steps / epochs)), clip)
