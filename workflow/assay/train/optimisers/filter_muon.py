"""Muon on filters that keep their norm, and SGD for the rest."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from assay.train.optimisers.muon import orthogonal
from assay.train.optimisers.stepwise import Stepwise


class FilterMuon(Stepwise):
    """The optimisers of `airbench94_muon.py` (Jordan et al. 2024, github.com/KellerJordan/cifar10-airbench) as one.

    Groups with `filters` true: with momentum m, `m <- b m + g`, each kernel `[O,...]` is first set to a norm of
    `sqrt(O)` and then moves by `-lr orthogonal(g + b m)`, where it counts as `[O,I]` and the iteration takes three
    rounds in bfloat16. They do not decay. Other groups: SGD with Nesterov's momentum and coupled decay, in the form of
    torch.

    Args:
        params: parameter groups, each with `lr`, `momentum`, `filters`, and `weight_decay` where `filters` is false.
    """

    def __init__(self, params: Any):
        super().__init__(params, {"lr": 0.0, "momentum": 0.0, "filters": True, "weight_decay": 0.0})

    def update(self, group: dict[str, Any], parameters: list[Tensor], gradients: list[Tensor]) -> None:
        """See the class."""
        if not group["filters"]:
            torch._foreach_add_(gradients, parameters, alpha=group["weight_decay"])
        momenta = self.kept(parameters, "momentum")
        torch._foreach_mul_(momenta, group["momentum"])
        torch._foreach_add_(momenta, gradients)
        moves = torch._foreach_add(gradients, momenta, alpha=group["momentum"])
        if not group["filters"]:
            torch._foreach_add_(parameters, moves, alpha=-group["lr"])
            return
        for parameter, move in zip(parameters, moves, strict=True):
            parameter.mul_(len(parameter) ** 0.5 / parameter.norm())
            made = orthogonal(move.reshape(1, len(move), -1), 3, torch.bfloat16)
            parameter.add_(made.view(parameter.shape), alpha=-group["lr"])
