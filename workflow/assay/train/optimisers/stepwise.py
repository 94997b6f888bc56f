"""What our optimisers share: one update for each group of parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class Stepwise(torch.optim.Optimizer):
    """An optimiser that updates one group after the other by `update`."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step along the gradients that are there; `closure` is not called."""
        assert closure is None, "the gradient is taken by the loop"
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                self.update(group, parameters, [parameter.grad for parameter in parameters])

    def update(self, group: dict[str, Any], parameters: list[Tensor], gradients: list[Tensor]) -> None:
        """Move `parameters` of a group in place; the gradients may be overwritten."""
        raise NotImplementedError

    def kept(self, parameters: list[Tensor], name: str) -> list[Tensor]:
        """A state tensor of each parameter, zero at first."""
        for parameter in parameters:
            if name not in self.state[parameter]:
                self.state[parameter][name] = torch.zeros_like(parameter)
        return [self.state[parameter][name] for parameter in parameters]

    def count(self, parameters: list[Tensor]) -> int:
        """Which step this is for the parameters of a group, from 1."""
        for parameter in parameters:
            state = self.state[parameter]
            state["step"] = state.get("step", torch.zeros((), dtype=torch.int64)) + 1
        return int(self.state[parameters[0]]["step"])
