"""Early-learning regularisation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from assay import Option, method
from assay.train.robust.objective import Batch, Training


@method(
    "robust",
    "early-learning-regularisation",
    summary="Hold predictions to what the network thought of each image before it memorised wrong labels",
    paper="Liu et al. 2020, arXiv:2007.00151",
    options={
        "weight": Option(3.0, "lambda, weight of the regulariser", at_least=0),
        "momentum": Option(0.7, "beta, how slowly the targets follow the predictions", at_least=0, below=1),
    },
    shapes="targets [N,K]",
)
class EarlyLearningRegularisation:
    """`mean loss + lambda mean log(1 - <p, t>)` with `t <- beta t + (1 - beta) p` for each image it meets.

    p is clamped to 1e-4..1-1e-4, as in the authors' code, so that the logarithm stays finite. An image that comes twice
    in a batch moves its target once, by the mean of its predictions.
    """

    networks = 1
    remembers = True

    def __init__(self, *, weight: float, momentum: float):
        self.weight = weight
        self.momentum = momentum

    def prepare(self, training: Training) -> None:
        """Begin with targets of 0."""
        self.training = training
        images = training.images
        self.targets = torch.zeros(len(images.labels), images.classes, device=images.pixels.device)

    def epoch(self, number: int, of: int) -> None:
        """Nothing changes by epoch."""

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The arm's loss with the regulariser, after the targets have moved."""
        logits = self.training.logits(self.training.networks[0], batch.x)
        p = logits.softmax(dim=1).clamp(1e-4, 1 - 1e-4)
        self._follow(batch.indices, p.detach())
        agreement = (p * self.targets[batch.indices]).sum(dim=1)
        loss = self.training.loss(logits, batch.targets).mean()
        return loss + self.weight * (1 - agreement).log().mean(), logits

    def _follow(self, indices: Tensor, p: Tensor) -> None:
        p = p / p.sum(dim=1, keepdim=True)
        same = (indices[:, None] == indices).float()
        p = same @ p / same.sum(dim=1, keepdim=True)
        self.targets[indices] = self.momentum * self.targets[indices] + (1 - self.momentum) * p

    def state(self) -> dict[str, Any]:
        """Each image's target."""
        return {"targets": self.targets.clone()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.targets = state["targets"].to(self.targets.device)
