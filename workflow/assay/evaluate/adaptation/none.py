"""No adaptation, the baseline of all others."""

from __future__ import annotations

import torch
from torch import Tensor

from assay.models.classifier import Classifier
from assay.study.registry import method


@method(
    "adaptation",
    "none",
    summary="the model as it was trained",
    shapes="images [B,C,H,W] -> logits [B,K]",
)
class NoAdaptation:
    """Predicts and learns nothing."""

    def start(self, model: Classifier, images: Tensor) -> None:
        """Take the model; `images` are not looked at."""
        self.model = model.eval()

    @torch.no_grad()
    def adapt(self, images: Tensor) -> Tensor:
        """The logits of a batch."""
        return self.predict(images)

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """The logits of a batch, from which nothing is learnt."""
        logits: Tensor = self.model(images)
        return logits
