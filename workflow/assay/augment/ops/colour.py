"""Changes of brightness and colour, each image by an amount of its own, on float images `[B,C,H,W]` in 0..1.

Defined as torchvision's (and before it Pillow's) functions of the same names, which the tests hold these against.
Those work on the 256 grey levels of uint8; where levels matter (posterize, equalize) so do these.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

#: ITU-R 601 luma.
_LUMA = (0.299, 0.587, 0.114)


def grey(images: Tensor) -> Tensor:
    """The luma of `[B,C,H,W]`, `[B,1,H,W]`; a grey image is its own."""
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(_LUMA, device=images.device, dtype=images.dtype)
    return (images * weights[:, None, None]).sum(dim=1, keepdim=True)


def _blend(images: Tensor, other: Tensor, amount: Tensor) -> Tensor:
    """`other` at -1, the image at 0, beyond it above 0; clipped to 0..1."""
    factor = (1 + amount)[:, None, None, None]
    return (factor * images + (1 - factor) * other).clamp(0, 1)


def brightness(images: Tensor, amount: Tensor) -> Tensor:
    """Black at `amount` `[B]` -1, the image at 0, twice as bright at 1."""
    return _blend(images, torch.zeros_like(images), amount)


def saturation(images: Tensor, amount: Tensor) -> Tensor:
    """Grey at `amount` `[B]` -1, the image at 0; a grey image stays."""
    return images if images.shape[1] == 1 else _blend(images, grey(images), amount)


def contrast(images: Tensor, amount: Tensor) -> Tensor:
    """The image's mean luma everywhere at `amount` `[B]` -1, the image at 0."""
    return _blend(images, grey(images).mean(dim=(1, 2, 3), keepdim=True), amount)


def sharpness(images: Tensor, amount: Tensor) -> Tensor:
    """Blurred at `amount` `[B]` -1, the image at 0, sharpened above; the outermost pixels stay."""
    if min(images.shape[2:]) <= 2:
        return images
    kernel = torch.ones(3, 3, device=images.device, dtype=images.dtype)
    kernel[1, 1] = 5
    channels = images.shape[1]
    weight = (kernel / kernel.sum()).expand(channels, 1, 3, 3)
    blurred = images.clone()
    blurred[:, :, 1:-1, 1:-1] = F.conv2d(images, weight, groups=channels)
    return _blend(images, blurred, amount)


def posterize(images: Tensor, amount: Tensor) -> Tensor:
    """Keep the `amount` `[B]` highest of the 8 bits of each value."""
    step = torch.exp2(8 - amount.trunc())[:, None, None, None]
    return (images * 255).round().div(step, rounding_mode="floor") * step / 255


def solarize(images: Tensor, amount: Tensor) -> Tensor:
    """Invert the values from `amount` `[B]` in 0..1 on."""
    return torch.where(images >= amount[:, None, None, None], 1 - images, images)


def autocontrast(images: Tensor, amount: Tensor) -> Tensor:  # noqa: ARG001 - as all of these
    """Stretch each channel to 0..1; a channel of one value stays."""
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    flat = high == low
    return torch.where(flat, images, (images - low) / torch.where(flat, 1.0, high - low))


def equalize(images: Tensor, amount: Tensor) -> Tensor:  # noqa: ARG001
    """Spread the 256 grey levels of each channel so that all occur about as often."""
    levels = (images * 255).round().long().flatten(2).flatten(0, 1)
    histogram = torch.zeros(len(levels), 256, dtype=torch.long, device=images.device)
    histogram.scatter_add_(1, levels, torch.ones_like(levels))
    last = histogram.gather(1, levels.amax(dim=1, keepdim=True))
    step = (levels.shape[1] - last) // 255
    safe = step.clamp_min(1)
    table = ((histogram.cumsum(1) + safe // 2) // safe).clamp(0, 255)
    table = F.pad(table[:, :-1], (1, 0))
    # Too few distinct pixels for a step: the channel stays.
    made = torch.where(step > 0, table.gather(1, levels), levels)
    return (made.float() / 255).view_as(images)


def invert(images: Tensor, amount: Tensor) -> Tensor:  # noqa: ARG001
    """The negative."""
    return 1 - images
