"""Stochastic gradient Langevin dynamics."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from assay.streams import Streams
from assay.train.optimisers.stepwise import Stepwise


class Sgld(Stepwise):
    """Gradient steps with noise that make the weights samples (Welling and Teh 2011, ICML, eq. 4).

    `w <- w - lr (g + decay w) + N(0, 2 lr T)`, where g is the gradient of the mean loss. With N images, `T = 1 / N` and
    `eps = 2 lr / N` this is their eq. 4 for the posterior under a Gaussian prior of precision `decay N`.

    Args:
        params: parameter groups.
        lr: learning rate.
        temperature: T.
        weight_decay: decay.
    """

    def __init__(self, params: Any, lr: float, temperature: float, weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "temperature": temperature, "weight_decay": weight_decay})
        self.noise = 0

    def seed(self, seed: int) -> None:
        """Take the seed of the noise; each step draws by its own number."""
        self.noise = seed

    def update(self, group: dict[str, Any], parameters: list[Tensor], gradients: list[Tensor]) -> None:
        """See the class."""
        lr = group["lr"]
        step = self.count(parameters)
        torch._foreach_add_(gradients, parameters, alpha=group["weight_decay"])
        torch._foreach_add_(parameters, gradients, alpha=-lr)
        number = next(number for number, other in enumerate(self.param_groups) if other is group)
        generator = Streams({"noise": self.noise}).torch("noise", number, step)
        for parameter in parameters:
            # Drawn on the CPU, in the order of the axes: neither device nor memory layout changes it.
            draw = torch.randn(parameter.shape, generator=generator).to(parameter.device)
            parameter.add_(draw, alpha=(2 * lr * group["temperature"]) ** 0.5)
