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
        labels: int64 `[N]` on the device; -1 for an image without one.
        unlabelled: whether there are such images.
        keys: int64 `[N]` on the device, what augmentation draws by.
        counts: int64 `[K]` on the device.
    """

    def __init__(self, splits: list[Split], classes: int, device: torch.device):
        # One split stays where it is: on a CPU, processes that train on the same memory map then share its pages.
        self.raw = splits[0].images if len(splits) == 1 else np.concatenate([split.images for split in splits])
        self.targets = np.concatenate([split.labels for split in splits]).astype(np.int64)
        self.pixels = to_pixels(self.raw).to(device)
        self.labels = torch.from_numpy(self.targets).to(device)
        self.keys = torch.cat([keys(split.ids.tolist()) for split in splits]).to(device)
        known = self.targets >= 0
        self.unlabelled = not known.all()
        self.counts = torch.from_numpy(np.bincount(self.targets[known], minlength=classes)).to(device)
        self.classes = classes

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Images float32 `[B,C,H,W]` in 0..1 and targets float32 `[B,K]` for int64 indices `[B]`.

        An image without a label has a target of zeros.
        """
        labels = self.labels[indices]
        targets = F.one_hot(labels.clamp_min(0), self.classes).float()
        if self.unlabelled:
            targets = targets * (labels >= 0)[:, None]
        return to_unit(self.pixels[indices]), targets

    def draw_ids(self, indices: Tensor, repeats: Tensor) -> Tensor:
        """The number of each drawn image, int64 `[B]`: another one each time an image comes again in an epoch."""
        # An odd constant spreads the repeats over all 64 bits, so no two images meet at close numbers.
        return self.keys[indices] + repeats * 0x5851F42D4C957F2D
