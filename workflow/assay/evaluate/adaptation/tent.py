"""TENT: predictions are made more certain."""

from __future__ import annotations

import torch
from torch import Tensor

from assay.evaluate.adaptation.batch_norm import affine, entropy, trusting
from assay.models.classifier import Classifier
from assay.study.registry import Option, method


@method(
    "adaptation",
    "tent",
    summary="scales and shifts of batch normalisation follow the gradient of the predictions' entropy",
    paper="Wang et al. 2021, arXiv:2006.10726",
    options={
        "lr": Option(1e-3, "learning rate of Adam", above=0),
        "steps": Option(1, "updates for each batch", at_least=1),
    },
    shapes="images [B,C,H,W] -> logits [B,K]",
)
class Tent:
    """One batch after the other, each predicted before it is learnt from, as the paper's online setting.

    Statistics are those of the batch. The optimiser is Adam (0.9, 0.999) without weight decay.
    """

    def __init__(self, *, lr: float, steps: int):
        self.lr, self.steps = lr, steps

    def start(self, model: Classifier, images: Tensor) -> None:
        """Take the model; `images` are not looked at.

        Raises:
            UndefinedError: it has no batch normalisation with scale and shift.
        """
        self.model = trusting(model, prior=0.0)
        self.optimiser = torch.optim.Adam(affine(self.model), lr=self.lr)

    def adapt(self, images: Tensor) -> Tensor:
        """The logits of a batch, those before the last update, and the update."""
        for _ in range(self.steps):
            logits: Tensor = self.model(images)
            self.optimiser.zero_grad()
            entropy(logits).mean().backward()
            self.optimiser.step()
        return logits.detach()

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """The logits of a batch, from which nothing is learnt."""
        logits: Tensor = self.model(images)
        return logits
