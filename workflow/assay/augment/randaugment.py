"""RandAugment."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw
from assay.augment.ops.space import apply, scales

OPS = list(scales(shear=0.3, shift=150 / 331, turn=30, colours=0.9, bits=(8, 4)).values())


@method(
    "augment",
    "randaugment",
    summary="A few random operations out of fourteen, all at one strength",
    paper="Cubuk et al. 2020, arXiv:1909.13719",
    options={
        "ops": Option(2, "operations an image, one after the other", at_least=1),
        "magnitude": Option(9, "strength of all operations", at_least=0, at_most=30),
    },
    shapes="images [B,C,H,W] -> same",
)
def randaugment(images: Tensor, targets: Tensor, draw: Draw, *, ops: int, magnitude: int) -> tuple[Tensor, Tensor]:
    """`ops` operations drawn with replacement, each at `magnitude` of 30 with a random sign; targets stay.

    The ranges are those of torchvision's RandAugment with 31 bins.
    """
    strength = torch.full((len(draw),), magnitude / 30, device=images.device)
    for _ in range(ops):
        chosen = draw.integers(0, len(OPS))[:, 0]
        sign = 2.0 * draw.integers(0, 2)[:, 0] - 1
        images = apply(images, OPS, chosen, strength, sign)
    return images, targets
