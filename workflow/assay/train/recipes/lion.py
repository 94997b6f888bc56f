"""The sign of a momentum, with a cosine schedule."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.optimisers.lion import Lion
from assay.train.recipe import Recipe, cosine, groups


@method(
    "recipe",
    "lion",
    summary="Lion with warm-up and a cosine schedule",
    paper="Chen et al. 2023, arXiv:2302.06675",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(3e-4, "highest learning rate", above=0),
        "beta1": Option(0.9, "share of the momentum in a step", at_least=0, below=1),
        "beta2": Option(0.99, "decay of the momentum", at_least=0, below=1),
        "weight-decay": Option(0.3, "decoupled decay of matrices and kernels", at_least=0),
        "warmup": Option(1.0, "epochs of linear warm-up", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def lion(
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
    """See `assay.train.optimisers.lion`.

    The defaults take a learning rate several times lower than AdamW's and a decay as many times higher, as the paper
    advises.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns epochs into steps.
        lr, beta1, beta2, weight_decay, warmup, clip: see the options.
    """
    optimizer = eager(Lion)(groups(model, weight_decay), lr=lr, betas=(beta1, beta2))
    return Recipe(optimizer, cosine(steps, round(warmup * steps / epochs)), clip)
