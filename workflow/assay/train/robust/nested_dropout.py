"""Nested dropout."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from assay import Option, method
from assay.train.robust.channels import best_channels, chances, cut, first_channels, require_choice, told
from assay.train.robust.objective import Batch, Training


@method(
    "robust",
    "nested-dropout",
    summary="Train on the first few channels of the features, a random number of them, and keep as many as val likes",
    paper="Chen et al. 2022, arXiv:2206.13140; Rippel et al. 2014, arXiv:1402.0915",
    options={
        "spread": Option(
            10.0, "sigma of the number of channels; the paper takes 10 for CIFAR-10 and 100 for more classes", above=0
        ),
        "keep": Option(None, "channels kept in the end; null chooses on val", type=int, at_least=1, optional=True),
    },
    shapes="mask [B,D]",
)
class NestedDropout:
    """`loss(head(f m), label)`: m is 1 for the first k of the D channels, k in proportion to `exp(-(k / spread)^2)`.

    So the first channels learn what matters most. Each image draws its own k, as Rippel et al. do; the authors' code
    draws one a batch, which has the same mean. After the training the head's weights of all but the first channels are
    set to 0, so that a plain model is left, whose features still have D channels. Their number is the one with the
    highest accuracy on val; the paper's val labels are clean, those of a study as noisy as it makes them. Values on val
    in the curves are those of all channels.
    """

    networks = 1
    remembers = False

    def __init__(self, *, spread: float, keep: int | None):
        self.spread = spread
        self.keep = keep

    def prepare(self, training: Training) -> None:
        """Compute how likely each number of channels is.

        Raises:
            MethodError: see `channels.require_choice`.
        """
        require_choice(training, "nested-dropout", self.keep)
        self.training = training
        self.chance = chances(training.networks[0].head.in_features, self.spread)

    def epoch(self, number: int, of: int) -> None:
        """Nothing changes by epoch."""

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The arm's loss on the channels that are kept, and the logits with them."""
        network = self.training.networks[0]
        logits = network.head(self.training.features(network, batch.x) * first_channels(batch.draw, self.chance))
        return self.training.loss(logits, batch.targets).mean(), logits

    def finish(self) -> None:
        """Keep the first channels alone."""
        network, kept, accuracy = self.training.networks[0], self.keep, None
        if kept is None:
            assert self.training.val
            kept, accuracy = best_channels([network], self.training.val)
        cut(network, kept)
        print(told("nested-dropout", kept, network, accuracy))

    def state(self) -> dict[str, Any]:
        """Empty: nothing is learnt beside the weights."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to take."""
