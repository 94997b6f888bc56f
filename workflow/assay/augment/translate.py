"""Random translation."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw
from assay.augment.window import window


@method(
    "augment",
    "translate",
    summary="Shift by whole pixels, up to a share of the image's side",
    options={
        "share": Option(0.125, "largest shift as a share of the side, rounded to pixels", above=0, at_most=1),
        "fill": Option("zero", "what comes in at the border", choices=["zero", "reflect"]),
    },
    shapes="images [B,C,H,W] -> same",
)
def translate(images: Tensor, targets: Tensor, draw: Draw, *, share: float, fill: str) -> tuple[Tensor, Tensor]:
    """Each image shifts by whole pixels in both directions, uniform in `±round(share * side)`; targets stay.

    Unlike `crop` it means the same for images of any size.
    """
    down, right = (max(1, round(share * side)) for side in images.shape[2:])
    padding = max(down, right)
    top = padding + draw.integers(-down, down + 1)[:, 0]
    left = padding + draw.integers(-right, right + 1)[:, 0]
    return window(images, padding, top, left, fill), targets
