"""Co-teaching."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from assay import Option, method
from assay.train.robust.objective import Batch, Training


@method(
    "robust",
    "co-teaching",
    summary="Two networks, each trained on the images of a batch that the other finds easiest",
    paper="Han et al. 2018, arXiv:1804.06872, algorithm 1",
    options={
        "rate": Option(
            ..., "tau, share of a batch left out in the end: the noise rate", type=float, at_least=0, below=1
        ),
        "gradual": Option(10, "epochs until that share is reached, evenly from 0", at_least=1),
    },
)
class CoTeaching:
    """Each network learns from the share `R = 1 - tau min(epoch / gradual, 1)` on which the other's loss is least.

    The networks differ in their initial weights and see the same batches. The first is handed on. The loss in the
    curves is the sum of both; a recipe's `clip` bounds the gradient of both together.
    """

    networks = 2
    remembers = False

    def __init__(self, *, rate: float, gradual: int):
        self.rate = rate
        self.gradual = gradual
        self.share = 1.0

    def prepare(self, training: Training) -> None:
        """Keep what there is to train."""
        self.training = training

    def epoch(self, number: int, of: int) -> None:  # noqa: ARG002
        """Set the share that is kept."""
        self.share = 1 - self.rate * min(number / self.gradual, 1)

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The losses of both networks on what the other chose, and the first one's logits."""
        outputs = [self.training.logits(network, batch.x) for network in self.training.networks]
        first, second = (self.training.loss(logits, batch.targets) for logits in outputs)
        return first[easiest(second, self.share)].mean() + second[easiest(first, self.share)].mean(), outputs[0]

    def state(self) -> dict[str, Any]:
        """The share that is kept in this epoch."""
        return {"share": self.share}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.share = state["share"]


def easiest(losses: Tensor, share: float) -> Tensor:
    """Places of the `floor(share * B)` smallest of B losses, but at least one; ties in their order."""
    # A little more than the share, lest 0.8 * 10 be 7.999.
    kept = max(1, int(share * len(losses) + 1e-6))
    return torch.argsort(losses.detach(), stable=True)[:kept]
