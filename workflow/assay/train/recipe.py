"""What a recipe hands to the training loop, and the schedule and parameter groups that recipes share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass
class Recipe:
    """An optimiser and how its learning rate moves.

    `rate(step)` is the factor on each parameter group's own learning rate at optimiser step `step`, counted from 0.
    `clip` bounds the norm of the whole gradient; None leaves it alone.
    """

    optimizer: torch.optim.Optimizer
    rate: Callable[[int], float]
    clip: float | None = None


def cosine(steps: int, warmup: int) -> Callable[[int], float]:
    """Linear warm-up over `warmup` steps, then half a cosine to 0.

    The cosine is eq. 5 of Loshchilov and Hutter 2017 (arXiv:1608.03983) without restarts. The first step of the
    warm-up already moves (factor `1/warmup`), and the step after the last would have factor 0.
    """
    warmup = min(warmup, steps)

    def rate(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))

    return rate


def groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups in which matrices and kernels decay, and biases and norm layers' scales do not."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in trained if parameter.ndim > 1]
    rest = [parameter for parameter in trained if parameter.ndim <= 1]
    return [
        {"params": parameters, "weight_decay": decay}
        for parameters, decay in ((decayed, weight_decay), (rest, 0.0))
        if parameters
    ]
