"""Orthogonalised momentum for matrices and kernels, AdamW for the rest."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.train.eager import eager
from assay.train.optimisers.muon import Muon
from assay.train.recipe import Recipe, cosine, groups, part


@method(
    "recipe",
    "muon",
    summary="Muon with warm-up and a cosine schedule",
    paper="Jordan et al. 2024, kellerjordan.github.io/posts/muon",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(0.02, "highest learning rate of matrices and kernels before the head", above=0),
        "momentum": Option(0.95, "momentum", at_least=0, below=1),
        "adam-lr": Option(2e-3, "highest learning rate of everything else", above=0),
        "beta1": Option(0.9, "decay of the mean of gradients, of everything else", at_least=0, below=1),
        "beta2": Option(0.999, "decay of the mean of squared gradients, of everything else", at_least=0, below=1),
        "weight-decay": Option(0.01, "decoupled decay of matrices and kernels", at_least=0),
        "warmup": Option(1.0, "epochs of linear warm-up", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def muon(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,  # noqa: ARG001
    lr: float,
    momentum: float,
    adam_lr: float,
    beta1: float,
    beta2: float,
    weight_decay: float,
    warmup: float,
    clip: float | None,
) -> Recipe:
    """See `assay.train.optimisers.muon`; the head is left to AdamW, as its authors advise for the last layer.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns epochs into steps.
        lr, momentum, adam_lr, beta1, beta2, weight_decay, warmup, clip: see the options.
    """
    head = set(part(model, "head"))
    grouped = []
    for group in groups(model, weight_decay):
        inner = [p for p in group["params"] if p.ndim in (2, 4) and p not in head]
        rest = [p for p in group["params"] if p.ndim not in (2, 4) or p in head]
        for parameters, highest, matrices in ((inner, lr, True), (rest, adam_lr, False)):
            if parameters:
                grouped.append({**group, "params": parameters, "lr": highest, "matrices": matrices})
    optimizer = eager(Muon)(grouped, momentum=momentum, betas=(beta1, beta2))
    return Recipe(optimizer, cosine(steps, round(warmup * steps / epochs)), clip)
