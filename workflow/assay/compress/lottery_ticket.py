"""Lottery tickets: iterative magnitude pruning with rewinding."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.masks import drop, smallest, tell, weights


class Train(Protocol):
    """Knows how the arm was trained."""

    def start(self) -> Classifier:
        """The model before its first step."""

    def epoch(self, share: float) -> int:
        """How many epochs of the arm's recipe a share of them is."""

    def again(self, model: Classifier, begin: int, end: int | None = None, *, replay: bool = False) -> None:
        """Train by epochs of the arm's recipe and leave zeros at zero, see `assay.train.finetune`."""


@method(
    "compress",
    "lottery-ticket",
    summary="Prune the smallest weights in rounds, each time going back to early weights and training anew",
    paper="Frankle and Carbin 2019, arXiv:1803.03635; rewinding: Frankle et al. 2020, arXiv:1912.05671",
    options={
        "sparsity": Option(0.8, "share of the weights that are zero in the end", above=0, below=1),
        "rounds": Option(3, "of pruning and training; each drops the same share of what is left", at_least=1),
        "rewind": Option(
            0.0,
            "share of the epochs to after which each round goes back, such as 0.02; 0 is the start",
            at_least=0,
            below=1,
        ),
    },
    reads=["start", "training"],
)
def lottery_ticket(model: Classifier, finetune: Train, *, sparsity: float, rounds: int, rewind: float) -> Classifier:
    """In round r of R, keep the `(1 - sparsity)^(r/R)` largest of all weights, rewind them and train to the end.

    The first round prunes the trained model that is given. The weights to go back to come from doing the first
    epochs over as the arm's training did them, from its start.

    Args:
        model: changed in place and returned.
        finetune: knows where the training started and trains anew.
        sparsity, rounds, rewind: see the options. N weights end with `round(sparsity * N)` zeros.
    """
    early, epoch = finetune.start(), finetune.epoch(rewind)
    if epoch:
        finetune.again(early, 0, epoch, replay=True)
    total = sum(weight.numel() for weight in weights(model).values())
    for number in range(1, rounds + 1):
        density = (1 - sparsity) ** (number / rounds)
        kept = largest(model, total - round((1 - density) * total))
        model.load_state_dict(early.state_dict())
        drop(model, kept)
        finetune.again(model, epoch)
    tell(model)
    return model


def largest(model: Classifier, count: int) -> dict[str, Tensor]:
    """Masks, true at the `count` weights of the whole model that are largest in magnitude; zeros go first."""
    found = weights(model)
    scores = [weight.detach().abs() for weight in found.values()]
    dropped = smallest(scores, sum(score.numel() for score in scores) - count)
    return {name: ~drop for name, drop in zip(found, dropped, strict=True)}
