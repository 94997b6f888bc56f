"""The fast gradient sign method."""

from __future__ import annotations

from torch import Tensor, nn

from assay.augment.draw import Draw
from assay.evaluate.adversarial.budget import Budget, rise, steepest
from assay.study.registry import method


@method(
    "attack",
    "fgsm",
    summary="one step to the edge of the budget, along the gradient of the loss",
    paper="Goodfellow et al. 2015, arXiv:1412.6572",
    shapes="images [B,C,H,W], labels [B] -> images [B,C,H,W]",
)
def fgsm(model: nn.Module, images: Tensor, labels: Tensor, budget: Budget, draw: Draw) -> Tensor:
    """`x + e sign(gradient)`; in the norm L2 the step is `e gradient / |gradient|`."""
    return budget.project(images + budget.size * steepest(rise(model, images, labels), budget.norm), images)
