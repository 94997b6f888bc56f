"""Random noise, the baseline of attacks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assay.augment.draw import Draw
from assay.evaluate.adversarial.budget import Budget, steepest
from assay.study.registry import Option, method


@method(
    "attack",
    "noise",
    summary="random points on the edge of the budget, the first that misleads",
    paper="Carlini et al. 2019, arXiv:1902.06705",
    options={"tries": Option(10, "points for each image", at_least=1)},
    shapes="images [B,C,H,W], labels [B] -> images [B,C,H,W]",
)
@torch.no_grad()
def noise(model: nn.Module, images: Tensor, labels: Tensor, budget: Budget, draw: Draw, *, tries: int) -> Tensor:
    """Corners of the cube for Linf, points of the sphere for L2."""
    made = images.clone()
    for _ in range(tries):
        away = steepest(draw.normal(images[0].numel()).reshape(images.shape), budget.norm)
        tried = budget.project(images + budget.size * away, images)
        still = model(made).argmax(dim=1) == labels
        made = torch.where(still[:, None, None, None], tried, made)
    return made
