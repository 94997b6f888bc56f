"""Random crop of the padded image."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw
from assay.augment.window import window


@method(
    "augment",
    "crop",
    summary="Pad, then cut a window of the original size at a random place",
    paper="He et al. 2015, arXiv:1512.03385, section 4.2",
    options={
        "padding": Option(4, "pixels on each side; the paper's 4 are for 32 x 32", at_least=1),
        "fill": Option("zero", "what the padding shows", choices=["zero", "reflect"]),
    },
    shapes="images [B,C,H,W] -> same",
)
def crop(images: Tensor, targets: Tensor, draw: Draw, *, padding: int, fill: str) -> tuple[Tensor, Tensor]:
    """Each image gets one of the `(2 * padding + 1)^2` windows, all alike; targets stay."""
    top, left = draw.integers(0, 2 * padding + 1, 2).unbind(1)
    return window(images, padding, top, left, fill), targets
