"""Weights that are drawn to their own slow mean."""

from __future__ import annotations

import torch
from torch import nn

from assay.train.average import Running


class Lookahead(Running):
    """Every few steps the weights become their own slow mean (Jordan 2024, arXiv:2404.00498, listing 4).

    A variant of Zhang et al. 2019 (arXiv:1907.08610): after step t of T, every `every` steps,
    `slow <- d slow + (1 - d) w` with `d = decay^every (t / T)^3`, and `w <- slow`. What is handed on is `slow`.

    Args:
        model: whose weights are moved.
        steps: T.
        decay: a step, at the end of the training.
        every: steps between two moves.
    """

    def __init__(self, model: nn.Module, steps: int, decay: float = 0.95, every: int = 5):
        super().__init__(model)
        self.steps = steps
        self.decay = decay
        self.every = every

    def step(self, done: int) -> None:
        """Move both, if it is time."""
        if done % self.every == 0:
            self.move(1 - self.decay**self.every * (done / self.steps) ** 3)
            torch._foreach_copy_(self.live, self.mean)
