"""Shears, shifts and turns, each image by an amount of its own. What comes in from outside is black.

Amounts are those of torchvision's functions of the same names, which the tests hold these against; pixels are taken
from the nearest place, as the policies that use them do.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def _sample(images: Tensor, matrices: Tensor) -> Tensor:
    """Take pixel p of each result from place `M p` of its image `[B,C,H,W]`.

    `matrices` is `[B,2,3]` in pixels, on coordinates whose origin is the image's centre, x to the right, y down.
    """
    height, width = images.shape[2:]
    # grid_sample counts from -1 to 1 over the width and the height: rows scale by 2/W and 2/H, columns back.
    half = torch.tensor([width / 2, height / 2], device=images.device)
    scaled = matrices.clone()
    scaled[:, :, :2] = matrices[:, :, :2] * half[None, None, :] / half[None, :, None]
    scaled[:, :, 2] = matrices[:, :, 2] / half
    grid = F.affine_grid(scaled, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="nearest", padding_mode="zeros", align_corners=False)


def _identity(amount: Tensor) -> Tensor:
    matrices = torch.zeros(len(amount), 2, 3, device=amount.device)
    matrices[:, 0, 0] = matrices[:, 1, 1] = 1
    return matrices


def shear_x(images: Tensor, amount: Tensor) -> Tensor:
    """Shift each row of `[B,C,H,W]` to the left by `amount` `[B]` times its distance from the top."""
    matrices = _identity(amount)
    matrices[:, 0, 1] = amount
    matrices[:, 0, 2] = amount * images.shape[2] / 2
    return _sample(images, matrices)


def shear_y(images: Tensor, amount: Tensor) -> Tensor:
    """Shift each column of `[B,C,H,W]` up by `amount` `[B]` times its distance from the left."""
    matrices = _identity(amount)
    matrices[:, 1, 0] = amount
    matrices[:, 1, 2] = amount * images.shape[3] / 2
    return _sample(images, matrices)


def translate_x(images: Tensor, amount: Tensor) -> Tensor:
    """Shift `[B,C,H,W]` to the right by `amount` `[B]` pixels, rounded towards zero."""
    matrices = _identity(amount)
    matrices[:, 0, 2] = -amount.trunc()
    return _sample(images, matrices)


def translate_y(images: Tensor, amount: Tensor) -> Tensor:
    """Shift `[B,C,H,W]` down by `amount` `[B]` pixels, rounded towards zero."""
    matrices = _identity(amount)
    matrices[:, 1, 2] = -amount.trunc()
    return _sample(images, matrices)


def rotate(images: Tensor, amount: Tensor) -> Tensor:
    """Turn `[B,C,H,W]` about the centre by `amount` `[B]` degrees, counter-clockwise."""
    radians = torch.deg2rad(amount)
    matrices = torch.zeros(len(amount), 2, 3, device=images.device)
    matrices[:, 0, 0] = matrices[:, 1, 1] = radians.cos()
    matrices[:, 0, 1] = -radians.sin()
    matrices[:, 1, 0] = radians.sin()
    return _sample(images, matrices)
