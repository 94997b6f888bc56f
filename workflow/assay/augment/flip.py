"""Horizontal flip."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw


@method(
    "augment",
    "flip",
    summary="Mirror left and right",
    options={"probability": Option(0.5, "share of images that are mirrored", at_least=0, at_most=1)},
    shapes="images [B,C,H,W] -> same",
)
def flip(images: Tensor, targets: Tensor, draw: Draw, *, probability: float) -> tuple[Tensor, Tensor]:
    """Each image is mirrored on its own with the given probability; targets stay."""
    chosen = draw.uniform()[:, :, None, None] < probability
    return torch.where(chosen, images.flip(3), images), targets
