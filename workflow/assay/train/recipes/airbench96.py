"""The recipe of cifar10-airbench for 96 %."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.train.decoupled import decoupled, triangle
from assay.train.recipe import Recipe


@method(
    "recipe",
    "airbench96",
    summary="airbench94 for its residual network, with less decay and a fall to 0 for 37 epochs",
    paper="Jordan 2024, arXiv:2404.00498",
    options={
        "epochs": Option(37, "passes over the train split", at_least=1),
        "batch": Option(1024, "images a step, at most", at_least=1),
        "lr": Option(9.0, "highest learning rate for 1024 images, whatever momentum and batch", above=0),
        "momentum": Option(0.85, "momentum", at_least=0, below=1),
        "weight-decay": Option(0.012, "decay for 1024 images, whatever learning rate and momentum", at_least=0),
        "bias-factor": Option(64.0, "factor on the learning rate of normalisation shifts", above=0),
        "whiten-epochs": Option(3.0, "epochs in which the shift of a whitening layer is trained", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def airbench96(
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
    """As airbench94 with a lower learning rate and decay, a shorter rise (10 %) and a fall to 0.

    What stands elsewhere in an arm: the network, alternating flip, translation by 4 pixels (reflected), cutout of 12
    pixels inside the image, label smoothing 0.2, and `tta: mirror-translate`. This is the paper's script, not the later
    one that also filters the images by what a small network thinks of them; it drops the rest of a batch.

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
        triangle(steps, 0.1, 0.0),
        batch=batch,
        lr=lr,
        momentum=momentum,
        weight_decay=weight_decay,
        bias_factor=bias_factor,
        whiten_steps=whiten_epochs * steps / epochs,
        clip=clip,
    )
