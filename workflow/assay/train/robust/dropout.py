"""Dropout on the features."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from assay import Option, method
from assay.train.robust.objective import Batch, Training


@method(
    "robust",
    "dropout",
    summary="Leave out random channels of the features, so that the head cannot lean on any to memorise labels",
    paper="Chen et al. 2022, arXiv:2206.13140; Srivastava et al. 2014, JMLR 15",
    options={
        "rate": Option(
            0.3,
            "share of the channels left out; the paper takes 0.3 for CIFAR-10, 0.7 for CIFAR-100",
            at_least=0,
            below=1,
        )
    },
    shapes="mask [B,D]",
)
class Dropout:
    """`loss(head(f m / (1 - rate)), label)` with m 0 in a share `rate` of the channels of each image, else 1.

    The trained model uses all channels.
    """

    networks = 1
    remembers = False

    def __init__(self, *, rate: float):
        self.rate = rate

    def prepare(self, training: Training) -> None:
        """Keep what there is to train."""
        self.training = training

    def epoch(self, number: int, of: int) -> None:
        """Nothing changes by epoch."""

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The arm's loss on the channels that are left, and the logits with them."""
        network = self.training.networks[0]
        features = self.training.features(network, batch.x)
        mask = (batch.draw.uniform(features.shape[1]) >= self.rate) / (1 - self.rate)
        logits = network.head(features * mask)
        return self.training.loss(logits, batch.targets).mean(), logits

    def state(self) -> dict[str, Any]:
        """Empty: nothing is learnt beside the weights."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to take."""
