"""Nested dropout, then co-teaching."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from assay import Option, method
from assay.models.classifier import Classifier
from assay.train.recipe import training_mode
from assay.train.robust.channels import best_channels, chances, cut, first_channels, require_choice, told
from assay.train.robust.co_teaching import easiest
from assay.train.robust.objective import Batch, Training


@method(
    "robust",
    "nested-co-teaching",
    summary="Two networks trained apart with nested dropout, then each on the images that the other finds easiest",
    paper="Chen et al. 2022, arXiv:2206.13140; Chen et al. 2021, arXiv:2104.13766",
    options={
        "rate": Option(
            ...,
            "tau, share of a batch left out once they teach each other: the noise rate",
            type=float,
            at_least=0,
            below=1,
        ),
        "apart": Option(
            0.78, "share of the epochs trained apart; the paper has 350 of 450 on CIFAR", at_least=0, at_most=1
        ),
        "spread": Option(10.0, "sigma of the number of channels, see nested-dropout", above=0),
        "keep": Option(None, "channels kept in the end; null chooses on val", type=int, at_least=1, optional=True),
    },
    shapes="mask [B,D]",
)
class NestedCoTeaching:
    """First `nested-dropout` for both networks; then each learns, under such masks, from what the other chose.

    They choose in evaluation mode, with as many channels as were best on val at the start of the epoch by their mean
    logits: the images of a batch with the smallest losses, but for a share tau. Batch normalisation then stays as it
    is, as in the authors' code. The paper gives each network half of a batch and hands on the mean of both; here, as in
    `co-teaching`, both see the same batches and the first is handed on, cut to the channels best for both. The learning
    rate is the recipe's throughout, where the paper starts the second part at a hundredth.
    """

    networks = 2
    remembers = False

    def __init__(self, *, rate: float, apart: float, spread: float, keep: int | None):
        self.rate = rate
        self.apart = apart
        self.spread = spread
        self.keep = keep
        self.together = False
        self.kept = 0

    def prepare(self, training: Training) -> None:
        """Compute how likely each number of channels is.

        Raises:
            MethodError: see `channels.require_choice`.
        """
        require_choice(training, "nested-co-teaching", self.keep)
        self.training = training
        self.chance = chances(training.networks[0].head.in_features, self.spread)

    def epoch(self, number: int, of: int) -> None:
        """Choose the channels, once the networks teach each other."""
        if number >= self.apart * of:
            self.together = True
            self.kept = self._choice()[0]
            self._still()

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The losses of both networks, and the first one's logits."""
        mask = first_channels(batch.draw, self.chance)
        if not self.together:
            outputs = [self._logits(network, batch.x, mask) for network in self.training.networks]
            losses = [self.training.loss(logits, batch.targets).mean() for logits in outputs]
            return losses[0] + losses[1], outputs[0]
        judged = [self._judged(network, batch.x) for network in self.training.networks]
        easy = [easiest(self.training.loss(logits, batch.targets), 1 - self.rate) for logits in judged]
        first, second = (
            self.training.loss(self._logits(network, batch.x[chosen], mask[chosen]), batch.targets[chosen]).mean()
            for network, chosen in zip(self.training.networks, reversed(easy), strict=True)
        )
        return first + second, judged[0]

    def _logits(self, network: Classifier, x: Tensor, mask: Tensor) -> Tensor:
        logits: Tensor = network.head(self.training.features(network, x) * mask)
        return logits

    @torch.no_grad()
    def _judged(self, network: Classifier, x: Tensor) -> Tensor:
        network.eval()
        first = (torch.arange(len(self.chance), device=x.device) < self.kept).float()
        logits = self._logits(network, x, first)
        training_mode(network)
        return logits

    def _choice(self) -> tuple[int, float | None]:
        if self.keep is not None:
            return self.keep, None
        assert self.training.val
        return best_channels(self.training.networks, self.training.val)

    def _still(self) -> None:
        """Keep batch normalisation as it is."""
        for network in self.training.networks:
            for part in network.modules():
                if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                    part.requires_grad_(False)
            training_mode(network)

    def finish(self) -> None:
        """Keep the first channels alone."""
        kept, accuracy = self._choice()
        cut(self.training.networks[0], kept)
        print(told("nested-co-teaching", kept, self.training.networks[0], accuracy))

    def state(self) -> dict[str, Any]:
        """Whether they teach each other, and by how many channels they choose."""
        return {"together": int(self.together), "kept": self.kept}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.together, self.kept = bool(state["together"]), state["kept"]
        if self.together:
            self._still()
