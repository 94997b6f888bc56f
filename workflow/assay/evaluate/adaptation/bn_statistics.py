"""Batch normalisation with the statistics of the test batch."""

from __future__ import annotations

import torch
from torch import Tensor

from assay.evaluate.adaptation.batch_norm import trusting
from assay.models.classifier import Classifier
from assay.study.registry import Option, method


@method(
    "adaptation",
    "bn-statistics",
    summary="batch normalisation takes mean and variance from the test batch, mixed with those of training",
    paper="Schneider et al. 2020, arXiv:2006.16971; Nado et al. 2020, arXiv:2006.10963",
    options={
        "prior": Option(
            0.0, "N, the images that the statistics of training count for beside those of the batch; 0 as Nado et al.",
            at_least=0,
        ),
    },
    shapes="images [B,C,H,W] -> logits [B,K]",
)  # fmt: skip
class BatchNormStatistics:
    """Each batch is normalised by itself; nothing is remembered from one to the next."""

    def __init__(self, *, prior: float):
        self.prior = prior

    def start(self, model: Classifier, images: Tensor) -> None:
        """Take the model; `images` are not looked at.

        Raises:
            UndefinedError: it has no batch normalisation.
        """
        self.model = trusting(model, self.prior)

    @torch.no_grad()
    def adapt(self, images: Tensor) -> Tensor:
        """The logits of a batch."""
        return self.predict(images)

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """The logits of a batch under its own statistics."""
        logits: Tensor = self.model(images)
        return logits
