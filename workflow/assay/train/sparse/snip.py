"""Sparsity at initialisation by what each connection does to the loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.masks import smallest, weights


@method(
    "sparse",
    "snip",
    summary="The weights whose absence at initialisation would change the loss least are dropped",
    paper="Lee et al. 2019, arXiv:1810.02340, eq. 5 (SNIP)",
    options={
        "sparsity": Option(0.8, "share of the weights that are dropped", above=0, below=1),
        "images": Option(128, "train images whose mean loss is looked at", at_least=1),
    },
)
def snip(
    model: Classifier,
    gradients: Callable[[int], dict[str, Tensor]],
    generator: torch.Generator,  # noqa: ARG001
    *,
    sparsity: float,
    images: int,
) -> dict[str, Tensor]:
    """Drop the `round(sparsity * N)` weights with the smallest `|dL/dc|` at c = 1 for `w -> c w`, which is `|w dL/dw|`.

    The paper divides by the sum of all, which changes no order.

    Args:
        model: as initialised; not changed.
        gradients: `gradients(images)` are those of the mean loss of so many train images, by layer.
        generator: not used here.
        sparsity, images: see the options.

    Returns:
        Layer to a mask of its weight, true at what stays.
    """
    found = gradients(images)
    scores = {name: (weight.detach() * found[name]).abs() for name, weight in weights(model).items()}
    count = round(sparsity * sum(score.numel() for score in scores.values()))
    dropped = smallest(list(scores.values()), count)
    return {name: ~drop for name, drop in zip(scores, dropped, strict=True)}
