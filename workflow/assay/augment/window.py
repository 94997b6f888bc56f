"""A window of its own out of each padded image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from assay.errors import MethodError


def window(images: Tensor, padding: int, top: Tensor, left: Tensor, fill: str) -> Tensor:
    """Pad float `[B,C,H,W]` by `padding` pixels on all sides and cut `[B,C,H,W]` at `top`, `left`.

    Args:
        images: a batch.
        padding: pixels.
        top, left: int64 `[B]` in 0..2*padding; both equal to `padding` give the image back.
        fill: "zero" or "reflect" (mirrored without repeating the border).

    Raises:
        MethodError: a reflection wider than the image.
    """
    height, width = images.shape[2:]
    if fill == "reflect" and padding >= min(height, width):
        raise MethodError(f"reflecting {padding} pixels needs images larger than that, these are {height}x{width}")
    padded = F.pad(images, [padding] * 4, mode="constant" if fill == "zero" else "reflect")
    rows = top[:, None] + torch.arange(height, device=images.device)
    columns = left[:, None] + torch.arange(width, device=images.device)
    each = torch.arange(len(images), device=images.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
