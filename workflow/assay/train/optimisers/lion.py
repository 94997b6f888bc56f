"""Lion."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from assay.train.optimisers.stepwise import Stepwise


class Lion(Stepwise):
    """The sign of an interpolated momentum (Chen et al. 2023, arXiv:2302.06675, algorithm 2).

    `w <- w - lr (sign(b1 m + (1 - b1) g) + decay w)`, then `m <- b2 m + (1 - b2) g`.

    Args:
        params: parameter groups.
        lr: learning rate.
        betas: b1 and b2.
        weight_decay: decoupled decay.
    """

    def __init__(self, params: Any, lr: float, betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def update(self, group: dict[str, Any], parameters: list[Tensor], gradients: list[Tensor]) -> None:
        """See the class."""
        (b1, b2), lr = group["betas"], group["lr"]
        means = self.kept(parameters, "mean")
        moves = torch._foreach_lerp(means, gradients, 1 - b1)
        torch._foreach_sign_(moves)
        torch._foreach_mul_(parameters, 1 - lr * group["weight_decay"])
        torch._foreach_add_(parameters, moves, alpha=-lr)
        torch._foreach_lerp_(means, gradients, 1 - b2)
