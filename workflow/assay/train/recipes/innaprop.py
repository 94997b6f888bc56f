"""An inertial Newton method with adaptive scaling, with a cosine schedule."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.errors import MethodError
from assay.train.eager import eager
from assay.train.optimisers.innaprop import InnaProp
from assay.train.recipe import Recipe, cosine, groups


@method(
    "recipe",
    "innaprop",
    summary="INNAprop with warm-up and a cosine schedule",
    paper="Bolte et al. 2024, arXiv:2410.10871",
    options={
        "epochs": Option(30, "passes over the train split", at_least=1),
        "batch": Option(64, "images a step, at most", at_least=1),
        "lr": Option(1e-3, "highest learning rate, below beta and 1 / alpha", above=0),
        "alpha": Option(0.1, "viscous damping", at_least=0),
        "beta": Option(0.9, "damping by curvature", above=0),
        "sigma": Option(0.999, "decay of the mean of squared gradients", at_least=0, below=1),
        "weight-decay": Option(0.05, "decoupled decay of matrices and kernels", at_least=0),
        "warmup": Option(1.0, "epochs of linear warm-up", at_least=0),
        "clip": Option(None, "largest norm of the gradient", type=float, above=0, optional=True),
    },
)
def innaprop(
    model: nn.Module,
    steps: int,
    *,
    epochs: int,
    batch: int,  # noqa: ARG001
    lr: float,
    alpha: float,
    beta: float,
    sigma: float,
    weight_decay: float,
    warmup: float,
    clip: float | None,
) -> Recipe:
    """See `assay.train.optimisers.innaprop`.

    Args:
        model: the module whose trainable parameters move.
        steps: optimiser steps of the whole run.
        epochs, batch: read by the loop; `epochs` also turns epochs into steps.
        lr, alpha, beta, sigma, weight_decay, warmup, clip: see the options.

    Raises:
        MethodError: a learning rate that is not below beta and 1 / alpha.
    """
    if lr >= beta or lr * alpha >= 1:
        raise MethodError(f"recipe: innaprop needs lr below beta {beta:g} and 1 / alpha {alpha:g}, found {lr:g}")
    optimizer = eager(InnaProp)(groups(model, weight_decay), lr=lr, alpha=alpha, beta=beta, sigma=sigma)
    return Recipe(optimizer, cosine(steps, round(warmup * steps / epochs)), clip)
