"""Noise-ignorant empirical risk minimisation."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from assay import method
from assay.errors import MethodError
from assay.train.robust.objective import Batch, Training


@method(
    "robust",
    "ni-erm",
    summary="A linear head on the frozen features of an encoder, trained as if no label were wrong",
    paper="Zhu et al. 2024, Label Noise: Ignorance is Bliss, arXiv:2411.00079",
    needs={"init": "", "trainable": "head"},
)
class NiErm:
    """`mean loss(head(f), label)` with f from a backbone that stays as it is: a logistic regression.

    It is the composition `init: {encoder: ...}`, `trainable: head` and a recipe such as `linear-probe`, under its
    name; the arm must say so. The authors choose the strength of the L2 penalty, here the recipe's `weight-decay`, by
    cross-validation on noisy labels; a `search` over it, by `val.accuracy`, does the like.
    """

    networks = 1
    remembers = False

    def prepare(self, training: Training) -> None:
        """Keep what there is to train.

        Raises:
            MethodError: the backbone would be trained too.
        """
        if any(parameter.requires_grad for parameter in training.networks[0].backbone.parameters()):
            raise MethodError("ni-erm trains a head on frozen features; set `trainable: head`")
        self.training = training

    def epoch(self, number: int, of: int) -> None:
        """Nothing changes by epoch."""

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The arm's loss and the logits."""
        logits = self.training.logits(self.training.networks[0], batch.x)
        return self.training.loss(logits, batch.targets).mean(), logits

    def state(self) -> dict[str, Any]:
        """Empty: nothing is learnt beside the weights."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to take."""
