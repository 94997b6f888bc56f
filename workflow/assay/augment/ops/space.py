"""Choosing among operations: each image its own one, at a strength of its own.

Policies (AutoAugment and its heirs) differ in which operations they choose from, in the ranges of strength and in how
they draw; how a choice is carried out is the same for all and stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from assay.augment.ops import colour, geometry

Op = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Scale:
    """How an operation's strength, 0..1, becomes its amount.

    `low` at strength 0 and `high` at strength 1; `signed` amounts may go either way, `whole` ones are rounded.
    `side` says whether `high` counts in the image's sides, for shifts.
    """

    op: Op
    low: float = 0.0
    high: float = 0.0
    signed: bool = False
    whole: bool = False
    side: int | None = None

    def amount(self, images: Tensor, strength: Tensor, sign: Tensor) -> Tensor:
        """The amounts `[B]` for strengths `[B]` in 0..1 and signs `[B]` of -1 or 1."""
        high = self.high * images.shape[self.side] if self.side is not None else self.high
        amount = self.low + (high - self.low) * strength
        amount = amount.round() if self.whole else amount
        return amount * sign if self.signed else amount


def keep(images: Tensor, amount: Tensor) -> Tensor:  # noqa: ARG001 - as all operations
    """The image as it is."""
    return images


def scales(
    *, shear: float, shift: float, turn: float, colours: float, bits: tuple[int, int], pixels: bool = False
) -> dict[str, Scale]:
    """The fourteen operations of RandAugment and its heirs.

    Args:
        shear: largest shear.
        shift: largest shift, as a share of the side, or in pixels where `pixels` says so.
        turn: largest rotation in degrees.
        colours: largest change of brightness, saturation, contrast and sharpness.
        bits: how many of 8 bits posterize leaves, at strength 0 and at strength 1.
        pixels: whether `shift` counts in pixels.
    """
    both = partial(Scale, signed=True)
    return {
        "identity": Scale(keep),
        "shear-x": both(geometry.shear_x, 0, shear),
        "shear-y": both(geometry.shear_y, 0, shear),
        "translate-x": both(geometry.translate_x, 0, shift, side=None if pixels else 3),
        "translate-y": both(geometry.translate_y, 0, shift, side=None if pixels else 2),
        "rotate": both(geometry.rotate, 0, turn),
        "brightness": both(colour.brightness, 0, colours),
        "saturation": both(colour.saturation, 0, colours),
        "contrast": both(colour.contrast, 0, colours),
        "sharpness": both(colour.sharpness, 0, colours),
        "posterize": Scale(colour.posterize, *bits, whole=True),
        "solarize": Scale(colour.solarize, 1, 0),
        "autocontrast": Scale(colour.autocontrast),
        "equalize": Scale(colour.equalize),
    }


def apply(images: Tensor, ops: list[Scale], chosen: Tensor, strength: Tensor, sign: Tensor) -> Tensor:
    """Each image of `[B,C,H,W]` under operation `chosen` `[B]` (index into `ops`, -1 for none).

    Args:
        images: a batch in 0..1.
        ops: what is chosen from.
        chosen: int64 `[B]`.
        strength: `[B]` in 0..1.
        sign: `[B]` of -1 or 1.
    """
    out = images.clone()
    for number, scale in enumerate(ops):
        members = torch.nonzero(chosen == number)[:, 0]
        if len(members):
            some = images[members]
            out[members] = scale.op(some, scale.amount(some, strength[members], sign[members]))
    return out
