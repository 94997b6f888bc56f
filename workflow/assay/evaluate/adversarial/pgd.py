"""Projected gradient descent."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assay.augment.draw import Draw
from assay.evaluate.adversarial.budget import Budget, lengths, rise, steepest
from assay.study.registry import Option, method


@method(
    "attack",
    "pgd",
    summary="many small steps along the gradient of the loss, each brought back into the budget",
    paper="Madry et al. 2018, arXiv:1706.06083",
    options={
        "steps": Option(20, "steps from each start", at_least=1),
        "step": Option(
            None, "length of a step as a share of the budget; null: 2.5 over the number of steps",
            type=float, above=0, optional=True,
        ),
        "random-start": Option(True, "start from a random point of the ball and not from the image"),
        "restarts": Option(1, "starts; the first success counts", at_least=1),
    },
    shapes="images [B,C,H,W], labels [B] -> images [B,C,H,W]",
)  # fmt: skip
def pgd(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    budget: Budget,
    draw: Draw,
    *,
    steps: int,
    step: float | None,
    random_start: bool,
    restarts: int,
) -> Tensor:
    """`x <- project(x + a steepest(gradient))`; an image that a start has misled is left as it is."""
    length = budget.size * (2.5 / steps if step is None else step)
    made = images.clone()
    for _ in range(restarts):
        tried = images
        if random_start:
            tried = budget.project(images + _start(budget, draw, images), images)
        for _ in range(steps):
            tried = budget.project(tried + length * steepest(rise(model, tried, labels), budget.norm), images)
        with torch.no_grad():
            still = model(made).argmax(dim=1) == labels
        made = torch.where(still[:, None, None, None], tried, made)
    return made


def _start(budget: Budget, draw: Draw, images: Tensor) -> Tensor:
    """A step `[B,C,H,W]` to a uniform point of the ball."""
    count = images[0].numel()
    if budget.norm == "linf":
        return budget.size * (2 * draw.uniform(count) - 1).reshape(images.shape)
    away = draw.normal(count).reshape(images.shape)
    radius = draw.uniform(1).reshape(-1, 1, 1, 1) ** (1 / count)
    return budget.size * radius * away / lengths(away).clamp_min(1e-12)
