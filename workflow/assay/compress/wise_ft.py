"""WiSE-FT: between what a training started from and where it ended."""

from __future__ import annotations

from typing import Protocol

import torch

from assay import Option, method
from assay.models.classifier import Classifier


class Start(Protocol):
    """Knows what the arm's training started from."""

    def start(self) -> Classifier:
        """The model before its first step."""


@method(
    "compress",
    "wise-ft",
    summary="Weights between those that fine-tuning started from and those it ended with",
    paper="Wortsman et al. 2022, arXiv:2109.01903, section 3",
    options={
        "alpha": Option(0.5, "share of the fine-tuned weights; 0 is the start, 1 the end", at_least=0, at_most=1),
    },
    reads=["start"],
)
@torch.no_grad()
def wise_ft(model: Classifier, finetune: Start, *, alpha: float) -> Classifier:
    """`(1 - alpha) * start + alpha * end`, for all weights and running statistics.

    Where a new head was put on an encoder, the start has that head untrained. Running statistics of batch
    normalisation do not belong to weights in between: let `batch-norm` follow.

    Args:
        model: the fine-tuned one; changed in place and returned.
        finetune: gives the start.
        alpha: see the options.
    """
    begun = finetune.start().state_dict()
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            value.copy_((1 - alpha) * begun[name] + alpha * value)
    return model
