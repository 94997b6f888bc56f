"""Weights that are handed on in place of those that the optimiser moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn


class Average(Protocol):
    """What follows the weights of a training and says at any time which ones to hand on.

    Attributes:
        stale: whether statistics of batch normalisation must be computed anew for the weights that are handed on.
    """

    stale: bool

    def follow(self, model: nn.Module) -> None:
        """Look at another model from now on; asked before the first step alone."""

    def step(self, done: int) -> None:
        """Look at the model after `done` steps of the optimiser."""

    def weights(self) -> dict[str, Tensor]:
        """What to hand on, by name in the model's state; empty where that is the model as it is."""

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps beside the model and the optimiser."""

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` gave."""


class Running:
    """A copy of all floating-point parameters and buffers of a model, moved towards them now and then."""

    stale = False

    def __init__(self, model: nn.Module):
        self.follow(model)

    def follow(self, model: nn.Module) -> None:
        """Begin anew, at this model."""
        live = {name: value for name, value in model.state_dict().items() if value.is_floating_point()}
        self.names = list(live)
        self.live = list(live.values())  # these share memory with the model
        self.mean = [value.clone() for value in self.live]
        self.count = torch.zeros((), dtype=torch.int64)

    def move(self, share: float) -> None:
        """`mean <- mean + share * (model - mean)`."""
        torch._foreach_lerp_(self.mean, self.live, share)
        self.count += 1

    def weights(self) -> dict[str, Tensor]:
        """The copy, once it has moved."""
        return dict(zip(self.names, self.mean, strict=True)) if self.count else {}

    def state(self) -> dict[str, Tensor]:
        """The copy and how often it was moved."""
        return {name: value.clone() for name, value in self.weights().items()} | {"count": self.count.clone()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over both."""
        self.count.copy_(state["count"])
        for name, value in zip(self.names, self.mean, strict=True):
            if name in state:
                value.copy_(state[name])


class Ema(Running):
    """The exponential mean of the weights after each step, without a trace of where it began.

    After t steps it is `sum_k d^(t-k) w_k / sum_k d^(t-k)` over k = 1..t. The division is the correction for bias of
    Kingma and Ba 2015 (arXiv:1412.6980), section 3, here as a larger share of the first steps.
    """

    def __init__(self, model: nn.Module, decay: float):
        super().__init__(model)
        self.decay = decay

    def step(self, done: int) -> None:
        """Move towards the model."""
        self.move((1 - self.decay) / (1 - self.decay**done))


class Swa(Running):
    """The mean of the weights at the ends of the last epochs (Izmailov et al. 2018, arXiv:1803.05407, algorithm 1).

    Args:
        model: whose weights are averaged.
        begin: steps before the first epoch that counts.
        every: steps of an epoch.
    """

    stale = True

    def __init__(self, model: nn.Module, begin: int, every: int):
        super().__init__(model)
        self.begin = begin
        self.every = every

    def step(self, done: int) -> None:
        """Take the model into the mean at the end of an epoch."""
        if done > self.begin and done % self.every == 0:
            self.move(1 / (int(self.count) + 1))


@contextmanager
def handed_on(model: nn.Module, weights: dict[str, Tensor]) -> Iterator[None]:
    """The model with other weights while the context is open, and with its own bits afterwards."""
    own = {name: value.clone() for name, value in model.state_dict().items()} if weights else {}
    model.load_state_dict(weights, strict=False)
    try:
        yield
    finally:
        model.load_state_dict(own, strict=False)
