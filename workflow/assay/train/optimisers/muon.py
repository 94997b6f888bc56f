"""Muon, and AdamW for what is no matrix."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from assay.train.optimisers.stepwise import Stepwise

#: Coefficients of the quintic iteration (Jordan et al. 2024): steep at zero, and never settling at exactly 1.
_A, _B, _C = 3.4445, -4.7750, 2.0315


class Muon(Stepwise):
    """Orthogonalised momentum (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon).

    Groups with `matrices` true: with momentum m, `m <- b m + (1 - b) g` and Nesterov's `u = (1 - b) g + b m`, the step
    is `w <- (1 - lr decay) w - lr sqrt(max(1, O / I)) orthogonal(u)`, where a kernel `[O,...]` counts as `[O,I]`. Other
    groups: AdamW (Loshchilov and Hutter 2019, algorithm 2).

    Args:
        params: parameter groups, each with a learning rate and `matrices`.
        momentum: b.
        betas: of AdamW.
        weight_decay: decoupled decay.
    """

    def __init__(self, params: Any, momentum: float, betas: tuple[float, float], weight_decay: float = 0.0):
        defaults = {"lr": 0.0, "momentum": momentum, "betas": betas, "weight_decay": weight_decay, "matrices": True}
        super().__init__(params, defaults)

    def update(self, group: dict[str, Any], parameters: list[Tensor], gradients: list[Tensor]) -> None:
        """See the class."""
        torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        if group["matrices"]:
            self._muon(group, parameters, gradients)
        else:
            self._adam(group, parameters, gradients)

    def _muon(self, group: dict[str, Any], parameters: list[Tensor], gradients: list[Tensor]) -> None:
        means = self.kept(parameters, "mean")
        torch._foreach_lerp_(means, gradients, 1 - group["momentum"])
        moves = torch._foreach_lerp(gradients, means, group["momentum"])
        shapes: dict[torch.Size, list[int]] = {}
        for number, parameter in enumerate(parameters):
            shapes.setdefault(parameter.shape, []).append(number)
        for shape, members in shapes.items():
            made = orthogonal(torch.stack([moves[number].reshape(shape[0], -1) for number in members]))
            rows, columns = made.shape[1:]
            for number, move in zip(members, made, strict=True):
                parameters[number].add_(move.view(shape), alpha=-group["lr"] * max(1, rows / columns) ** 0.5)

    def _adam(self, group: dict[str, Any], parameters: list[Tensor], gradients: list[Tensor]) -> None:
        b1, b2 = group["betas"]
        means, squares = self.kept(parameters, "mean"), self.kept(parameters, "square")
        step = self.count(parameters)
        torch._foreach_lerp_(means, gradients, 1 - b1)
        torch._foreach_mul_(squares, b2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - b2)
        scale = torch._foreach_div(squares, 1 - b2**step)
        torch._foreach_sqrt_(scale)
        torch._foreach_add_(scale, 1e-8)
        torch._foreach_addcdiv_(parameters, means, scale, -group["lr"] / (1 - b1**step))


def orthogonal(matrices: Tensor, rounds: int = 5, dtype: torch.dtype | None = None) -> Tensor:
    """For each of `[N,O,I]` with singular values S about `U S' V^T` of the same U and V, with S' roughly in 0.7..1.2.

    The iteration `X <- a X + (b A + c A^2) X` with `A = X X^T` runs in `dtype`, which is bfloat16 on a GPU and float32
    elsewhere where it is None. With fewer rounds small values stay smaller.
    """
    x = matrices.to(dtype or (torch.bfloat16 if matrices.is_cuda else torch.float32))
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    for _ in range(rounds):
        a = x @ x.mT
        x = _A * x + (_B * a + _C * a @ a) @ x
    return (x.mT if tall else x).to(matrices.dtype)
