"""TrivialAugment."""

from __future__ import annotations

from torch import Tensor

from assay import method
from assay.augment.draw import Draw
from assay.augment.ops.space import apply, scales

#: The wide ranges (table 7 of the paper).
OPS = list(scales(shear=0.99, shift=32, turn=135, colours=0.99, bits=(8, 2), pixels=True).values())


@method(
    "augment",
    "trivialaugment",
    summary="One random operation out of fourteen, at a random strength",
    paper="Mueller and Hutter 2021, arXiv:2103.10158",
    shapes="images [B,C,H,W] -> same",
)
def trivialaugment(images: Tensor, targets: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
    """One operation an image, its strength one of 31 alike, its sign random; targets stay.

    The ranges are the wide ones, under which shifts count in pixels whatever the size.
    """
    chosen = draw.integers(0, len(OPS))[:, 0]
    strength = draw.integers(0, 31)[:, 0] / 30
    sign = 2.0 * draw.integers(0, 2)[:, 0] - 1
    return apply(images, OPS, chosen, strength, sign), targets
