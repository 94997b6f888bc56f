"""Images on the device as uint8, and what it takes to make batches of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from assay.augment.draw import keys
from assay.train.pixels import to_pixels, to_unit

if TYPE_CHECKING:
    from assay.data.dataset import Split


class Images:
    """The images to train on, with one label and one key each.

    Attributes:
        pixels: uint8 `[N,C,H,W]` on the device, laid out channels-last as the files are.
        labels: int64 `[N]` on the device.
        keys: int64 `[N]` on the device, what augmentation draws by.
        counts: int64 `[K]` on the device.
        shares: float32 `[N,K]` on the device, the targets where labels are soft; None where each image has one class.

    Args:
        splits: what they come from, one after the other.
        classes: K.
        device: where they lie.
        soft: the one of the splits whose soft labels are its targets.
    """

    def __init__(self, splits: list[Split], classes: int, device: torch.device, soft: Split | None = None):
        # One split stays where it is: on a CPU, processes that train on the same memory map then share its pages.
        self.raw = splits[0].images if len(splits) == 1 else np.concatenate([split.images for split in splits])
        self.targets = np.concatenate([split.labels for split in splits]).astype(np.int64)
        self.pixels = to_pixels(self.raw).to(device)
        self.labels = torch.from_numpy(self.targets).to(device)
        self.keys = torch.cat([keys(split.ids.tolist()) for split in splits]).to(device)
        self.counts = torch.from_numpy(np.bincount(self.targets, minlength=classes)).to(device)
        self.classes = classes
        self.shares: Tensor | None = None
        if soft is not None:
            parts = [
                torch.from_numpy(split.soft)
                if split is soft and split.soft is not None
                else F.one_hot(torch.from_numpy(split.labels), classes)
                for split in splits
            ]
            self.shares = torch.cat([part.float() for part in parts]).to(device)

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Images float32 `[B,C,H,W]` in 0..1 and targets float32 `[B,K]` for int64 indices `[B]`."""
        x = to_unit(self.pixels[indices])
        if self.shares is not None:
            return x, self.shares[indices]
        return x, F.one_hot(self.labels[indices], self.classes).float()

    def draw_ids(self, indices: Tensor, repeats: Tensor) -> Tensor:
        """The number of each drawn image, int64 `[B]`: another one each time an image comes again in an epoch."""
        # An odd constant spreads the repeats over all 64 bits, so no two images meet at close numbers.
        return self.keys[indices] + repeats * 0x5851F42D4C957F2D
