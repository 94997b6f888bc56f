"""How far an attack may go."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from assay.errors import MethodError

#: The norms, with what a config calls them.
NORMS = ("linf", "l2")


@dataclass(frozen=True)
class Budget:
    """A ball around an image, of pixels in 0..1.

    Attributes:
        name: as the config writes it, such as `linf-8/255` or `l2-0.5`.
        norm: `linf` or `l2`.
        size: its radius, above 0.
    """

    name: str
    norm: str
    size: float

    def project(self, images: Tensor, centres: Tensor) -> Tensor:
        """Images `[B,C,H,W]` brought into the balls around `centres`, and then into 0..1."""
        away = images - centres
        if self.norm == "linf":
            away = away.clamp(-self.size, self.size)
        else:
            away = away * (self.size / lengths(away).clamp_min(1e-12)).clamp_max(1.0)
        return (centres + away).clamp(0.0, 1.0)

    def holds(self, images: Tensor, centres: Tensor) -> bool:
        """Whether the images `[B,C,H,W]` lie in the balls and in 0..1, but for rounding."""
        away = images - centres
        far = away.abs().amax(dim=(1, 2, 3)) if self.norm == "linf" else lengths(away).flatten()
        inside = (images >= -1e-6).all() and (images <= 1 + 1e-6).all()
        return bool(inside) and bool((far <= self.size * (1 + 1e-4) + 1e-6).all())


def lengths(images: Tensor) -> Tensor:
    """The L2 norms `[B,1,1,1]` of `[B,C,H,W]`."""
    return images.flatten(1).norm(dim=1)[:, None, None, None]


def budget(text: str) -> Budget:
    """The budget that a text such as `linf-8/255`, `linf-0.03` or `l2-0.5` names.

    Raises:
        MethodError: it names none.
    """
    norm, _, number = text.partition("-")
    try:
        size = float(Fraction(number.replace(" ", "")))
    except (ValueError, ZeroDivisionError, OverflowError):
        size = math.nan
    if norm not in NORMS or not (math.isfinite(size) and size > 0):
        raise MethodError(
            f"budgets: expected a norm and a number above 0, such as linf-8/255 or l2-0.5, found {text!r}"
        )
    return Budget(text, norm, size)


def steepest(gradient: Tensor, norm: str) -> Tensor:
    """The direction `[B,C,H,W]` of length 1 in which a function with this gradient rises fastest."""
    if norm == "linf":
        return gradient.sign()
    return gradient / lengths(gradient).clamp_min(1e-12)


def rise(model: torch.nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The gradient `[B,C,H,W]` of each image's cross-entropy."""
    images = images.detach().requires_grad_(True)
    loss = torch.nn.functional.cross_entropy(model(images), labels, reduction="sum")
    return torch.autograd.grad(loss, images)[0]
