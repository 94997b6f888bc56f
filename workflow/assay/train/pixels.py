"""uint8 images as they are stored, and as networks read them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from assay.data.streamed import Streamed


def to_pixels(images: np.ndarray) -> Tensor:
    """uint8 `[N,H,W,C]` to a tensor `[N,C,H,W]` over the same memory, which makes it channels-last."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)


def to_unit(pixels: Tensor) -> Tensor:
    """uint8 to float32 in 0..1."""
    return pixels.float().div_(255)


class StreamedPixels:
    """`Streamed` in the place of a tensor uint8 `[N,C,H,W]` on the device: what is asked for is taken there.

    Args:
        images: where they lie.
        device: where they are wanted.
    """

    def __init__(self, images: Streamed, device: torch.device):
        self.images = images
        self.device = device

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: slice | Tensor) -> Tensor:
        """Pixels uint8 `[B,C,H,W]` on the device, channels-last; `which` is a slice or int64 `[B]`."""
        places = which if isinstance(which, slice) else which.cpu().numpy()
        pixels = to_pixels(self.images[places])
        if self.device.type == "cuda":
            # From pinned memory the copy happens beside what the device still computes.
            return pixels.pin_memory().to(self.device, non_blocking=True)
        return pixels.to(self.device)
