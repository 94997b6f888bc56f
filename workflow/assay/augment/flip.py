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
    paper="alternating: Jordan 2024, arXiv:2404.00498, section 3.6",
    options={
        "probability": Option(0.5, "share of images that are mirrored", at_least=0, at_most=1),
        "alternate": Option(False, "mirror each image in every other epoch, instead of at random anew"),
    },
    shapes="images [B,C,H,W] -> same",
)
def flip(images: Tensor, targets: Tensor, draw: Draw, *, probability: float, alternate: bool) -> tuple[Tensor, Tensor]:
    """Each image is mirrored on its own with the given probability; targets stay.

    With `alternate` that holds for the first epoch, and each epoch shows the other side than the one before: two
    epochs in a row show both sides of every image, where random flips show one of them twice to half of the images.
    """
    chosen = (draw.steady() if alternate else draw).uniform()[:, :, None, None] < probability
    if alternate and draw.epoch % 2:
        chosen = ~chosen
    return torch.where(chosen, images.flip(3), images), targets
