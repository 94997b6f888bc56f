"""Mixup."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw


@method(
    "augment",
    "mixup",
    summary="Blend each image and its target with those of another in the batch",
    paper="Zhang et al. 2018, arXiv:1710.09412",
    options={"alpha": Option(1.0, "both parameters of the Beta distribution of the weight", above=0)},
    mixes=True,
    shapes="images [B,C,H,W], targets [B,K] -> same",
)
def mixup(images: Tensor, targets: Tensor, draw: Draw, *, alpha: float) -> tuple[Tensor, Tensor]:
    """`x = w x_i + (1 - w) x_j`, `t = w t_i + (1 - w) t_j`, `w ~ Beta(alpha, alpha)` for each image.

    Partners are a random permutation of the batch, so alone among the draws they depend on who else is in it. The
    paper draws one weight for a batch; one for each image has the same expectation and lower variance of the step.
    """
    weight = draw.beta(alpha, alpha)
    partner = draw.uniform()[:, 0].argsort(stable=True)
    pixels = weight[:, :, None, None]
    return (
        pixels * images + (1 - pixels) * images[partner],
        weight * targets + (1 - weight) * targets[partner],
    )
