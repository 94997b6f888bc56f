"""uint8 images as they are stored, and as networks read them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def to_pixels(images: np.ndarray) -> Tensor:
    """uint8 `[N,H,W,C]` to a tensor `[N,C,H,W]` over the same memory, which makes it channels-last."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)


def to_unit(pixels: Tensor) -> Tensor:
    """uint8 to float32 in 0..1."""
    return pixels.float().div_(255)
