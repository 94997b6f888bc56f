"""The weights that did best on validation, and when to give up looking for better ones."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn

from assay.train.checkpoint import model_state


class Best:
    """Early stopping (Prechelt 1998, doi:10.1007/3-540-49430-8_3, criterion UP with strips of one epoch).

    Args:
        patience: epochs without a lower loss after which training ends.
    """

    def __init__(self, patience: int):
        self.patience = patience
        self.loss = math.inf
        self.epoch = 0
        self.weights: dict[str, Tensor] = {}

    def see(self, epoch: int, loss: float, model: nn.Module) -> None:
        """Keep the weights if `loss` after `epoch` epochs is the lowest so far."""
        if loss < self.loss:
            self.loss, self.epoch, self.weights = loss, epoch, model_state(model)

    def stops(self, epoch: int) -> bool:
        """Whether training ends after `epoch` epochs."""
        return epoch - self.epoch >= self.patience

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"loss": self.loss, "epoch": self.epoch, "weights": self.weights}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.loss, self.epoch, self.weights = state["loss"], state["epoch"], state["weights"]
