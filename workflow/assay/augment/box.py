"""A box of its own in each image."""

from __future__ import annotations

import torch
from torch import Tensor

from assay.augment.draw import Draw


def box(images: Tensor, height: Tensor, width: Tensor, draw: Draw) -> Tensor:
    """Which pixels a box covers, bool `[B,H,W]`.

    Args:
        images: `[B,C,H,W]`.
        height, width: of the boxes as shares of the sides, `[B]` in 0..1; rounded down to pixels.
        draw: gives the centre, uniform over the pixels, so that a box may reach over the border.
    """
    rows = _span(images.shape[2], height, draw)
    columns = _span(images.shape[3], width, draw)
    return rows[:, :, None] & columns[:, None, :]


def _span(length: int, share: Tensor, draw: Draw) -> Tensor:
    """Which places of an axis lie in the box, bool `[B,length]`."""
    side = (share * length).long()
    start = draw.integers(0, length)[:, 0] - side // 2
    place = torch.arange(length, device=share.device)
    return (place >= start[:, None]) & (place < (start + side)[:, None])
