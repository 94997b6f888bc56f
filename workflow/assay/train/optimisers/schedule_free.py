"""Schedule-free AdamW."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from assay.train.optimisers.stepwise import Stepwise


class ScheduleFree(Stepwise):
    """AdamW that averages its iterates instead of lowering its learning rate (Defazio et al. 2024, arXiv:2405.15682).

    Algorithm 1, with the parameters holding y, where gradients are taken. z takes the steps and x, the mean of z
    weighted by `lr^2`, is what to hand on: `y = (1 - b1) z + b1 x`. The learning rate must not fall.

    Args:
        params: parameter groups.
        lr: learning rate.
        betas: b1, the share of x in y, and b2, the decay of the mean of squared gradients.
        weight_decay: decay, taken at y.
    """

    def __init__(self, params: Any, lr: float, betas: tuple[float, float], weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def update(self, group: dict[str, Any], parameters: list[Tensor], gradients: list[Tensor]) -> None:
        """See the class."""
        (b1, b2), lr = group["betas"], group["lr"]
        for parameter in parameters:
            if "z" not in self.state[parameter]:
                self.state[parameter]["z"] = parameter.clone()
        z, squares = [self.state[parameter]["z"] for parameter in parameters], self.kept(parameters, "square")
        step = self.count(parameters)
        torch._foreach_mul_(squares, b2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - b2)
        scale = torch._foreach_div(squares, 1 - b2**step)
        torch._foreach_sqrt_(scale)
        torch._foreach_add_(scale, 1e-8)
        moves = torch._foreach_div(gradients, scale)
        torch._foreach_add_(moves, parameters, alpha=group["weight_decay"])
        share = self._share(parameters, lr)
        torch._foreach_lerp_(parameters, z, share)
        torch._foreach_add_(parameters, moves, alpha=lr * (b1 * (1 - share) - 1))
        torch._foreach_add_(z, moves, alpha=-lr)

    def _share(self, parameters: list[Tensor], lr: float) -> float:
        """Weight of the newest z in x."""
        for parameter in parameters:
            state = self.state[parameter]
            state["total"] = state.get("total", torch.zeros((), dtype=torch.float64)) + lr**2
        return lr**2 / float(self.state[parameters[0]]["total"])


class Iterates:
    """Hands on x in place of y; see `assay.train.average.Average`.

    Args:
        model: whose weights are y.
        optimizer: knows z.
    """

    stale = True

    def __init__(self, model: nn.Module, optimizer: ScheduleFree):
        self.follow(model)
        self.optimizer = optimizer

    def follow(self, model: nn.Module) -> None:
        """Take another model's parameters, which the optimiser moves, for y."""
        self.names = {parameter: name for name, parameter in model.named_parameters()}

    def step(self, done: int) -> None:
        """The optimiser has done it all."""

    def weights(self) -> dict[str, Tensor]:
        """`x = z + (y - z) / b1`."""
        return {
            self.names[parameter]: torch.lerp(self.optimizer.state[parameter]["z"], parameter.detach(), 1 / b1)
            for group in self.optimizer.param_groups
            for b1 in [group["betas"][0]]
            for parameter in group["params"]
            if "z" in self.optimizer.state[parameter]
        }

    def state(self) -> dict[str, Tensor]:
        """Nothing beside the optimiser's."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Nothing to take over."""
