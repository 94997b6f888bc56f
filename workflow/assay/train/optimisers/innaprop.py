"""INNAprop."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from assay.train.optimisers.stepwise import Stepwise


class InnaProp(Stepwise):
    """An inertial Newton method with RMSprop's scaling (Bolte et al. 2024, arXiv:2410.10871).

    In the form with one momentum m: `u = g / (sqrt(v / (1 - s^t)) + 1e-8)` with the mean v of squared gradients of
    decay s, `m <- (1 - lr a) m + lr^2 (1 - a b) / (1 - lr a) u`, and
    `w <- (1 - lr decay) w - m - lr (b - lr) / (1 - lr a) u`. With a = b = 1 it is RMSprop.

    Args:
        params: parameter groups.
        lr: learning rate, below b and 1 / a.
        alpha: a, viscous damping.
        beta: b, damping by curvature.
        sigma: s.
        weight_decay: decoupled decay.
    """

    def __init__(self, params: Any, lr: float, alpha: float, beta: float, sigma: float, weight_decay: float = 0.0):
        defaults = {"lr": lr, "alpha": alpha, "beta": beta, "sigma": sigma, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    def update(self, group: dict[str, Any], parameters: list[Tensor], gradients: list[Tensor]) -> None:
        """See the class."""
        lr, a, b, s = group["lr"], group["alpha"], group["beta"], group["sigma"]
        means, squares = self.kept(parameters, "mean"), self.kept(parameters, "square")
        step = self.count(parameters)
        torch._foreach_mul_(parameters, 1 - lr * group["weight_decay"])
        torch._foreach_mul_(squares, s)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - s)
        scale = torch._foreach_div(squares, 1 - s**step)
        torch._foreach_sqrt_(scale)
        torch._foreach_add_(scale, 1e-8)
        damped = 1 - lr * a
        torch._foreach_mul_(means, damped)
        torch._foreach_addcdiv_(means, gradients, scale, lr**2 * (1 - a * b) / damped)
        torch._foreach_sub_(parameters, means)
        torch._foreach_addcdiv_(parameters, gradients, scale, -lr * (b - lr) / damped)
