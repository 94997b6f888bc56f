"""The random numbers of several seeds for one batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from assay.augment.draw import Draw


class Joined(Draw):
    """The draws of several batches, one behind the other, as one: each row's numbers are those of its own draw.

    Args:
        draws: of one epoch and operation, on which nothing was called yet.
    """

    def __init__(self, draws: Sequence[Draw]):
        self.draws = draws
        self.epoch, self.op = draws[0].epoch, draws[0].op
        self.ids = torch.cat([draw.ids for draw in draws])
        self.base = torch.cat([draw.base for draw in draws])
        self.calls = 0

    def steady(self) -> Joined:
        """Numbers that belong to a sample and stay the same in every epoch."""
        return Joined([draw.steady() for draw in self.draws])
