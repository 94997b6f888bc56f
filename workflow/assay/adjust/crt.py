"""Classifier re-training."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.initialise import initialise
from assay.train.losses.cross_entropy import cross_entropy
from assay.train.rebalance.class_balanced import class_balanced


class FineTune(Protocol):
    """Trains a model in place."""

    def __call__(
        self, model: Classifier, *, epochs: int, lr: float, head: bool, sampler: Callable[..., Any], loss: Any
    ) -> None:
        """See `assay.train.finetune`."""


@method(
    "adjust",
    "crt",
    summary="Train a new head on frozen features, with classes drawn alike",
    paper="Kang et al. 2020, arXiv:1910.09217, section 4.1 (cRT)",
    options={
        "epochs": Option(10, "of the new head's training", at_least=1),
        "lr": Option(0.1, "highest learning rate of it, in the arm's recipe", above=0),
    },
)
def crt(
    model: Classifier,
    counts: Tensor,  # noqa: ARG001
    finetune: FineTune,
    generator: torch.Generator,
    *,
    epochs: int,
    lr: float,
) -> Classifier:
    """Draw the head anew and train it with cross-entropy on class-balanced samples; the backbone stays as it is.

    Args:
        model: changed in place and returned.
        counts: int64 `[K]`; not used here, since the sampler counts for itself.
        finetune: trains the head.
        generator: draws the head's initial weights.
        epochs, lr: see the options.
    """
    # Drawn on the CPU, so that the weights are the same on every device.
    fresh = copy.deepcopy(model.head).cpu()
    initialise(fresh, generator)
    model.head.load_state_dict(fresh.state_dict())
    finetune(
        model,
        epochs=epochs,
        lr=lr,
        head=True,
        sampler=partial(class_balanced, power=0.0),
        loss=partial(cross_entropy, label_smoothing=0.0),
    )
    return model
