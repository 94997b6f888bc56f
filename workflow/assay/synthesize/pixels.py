"""Pixels as generators see them, and back."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def to_unit(images: np.ndarray) -> Tensor:
    """Images uint8 [N,H,W,C] as float32 [N,C,H,W] in -1..1."""
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1


def to_bytes(x: Tensor) -> np.ndarray:
    """The inverse of `to_unit`, rounded; what lies outside -1..1 is clipped."""
    whole = ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return whole.permute(0, 2, 3, 1).contiguous().numpy()
