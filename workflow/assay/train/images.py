"""Images as uint8, on the device where they fit, and what it takes to make batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from assay.augment.draw import ELSEWHERE, keys
from assay.data.streamed import Streamed
from assay.train.pixels import StreamedPixels, to_pixels, to_unit

if TYPE_CHECKING:
    from assay.data.dataset import Split

#: The share of a device's free memory that images may take; the rest is for weights and activations.
_SHARE = 0.5
#: Bytes of images on a CPU from which on they are read batch by batch, so that memory stays bounded.
_ON_CPU = 2**30


def room(device: torch.device) -> int:
    """How many bytes of images are kept on a device; what is larger streams from its memory map."""
    if device.type == "cuda":
        return int(_SHARE * torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(_SHARE * (torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()))
    return _ON_CPU


def lay(
    arrays: Sequence[np.ndarray], device: torch.device, limit: int | None = None
) -> tuple[np.ndarray | Streamed, Tensor | StreamedPixels]:
    """Images `uint8 [N,H,W,C]` of several arrays as one, on the host and as pixels `[N,C,H,W]` on the device.

    Args:
        arrays: at least one.
        device: where they are wanted.
        limit: bytes that they may take there; `room` by default.
    """
    if sum(array.nbytes for array in arrays) > (room(device) if limit is None else limit):
        streamed = Streamed(arrays)
        return streamed, StreamedPixels(streamed, device)
    # One array stays where it is: on a CPU, processes that train on the same memory map then share its pages.
    raw = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return raw, to_pixels(raw).to(device)


class Images:
    """The images to train on, with one label and one key each.

    Args:
        splits: one or several, taken together in their order.
        classes: K.
        device: where they are wanted.
        limit: see `lay`.

    Attributes:
        raw: uint8 `[N,H,W,C]` on the host; `Streamed` where they are too large.
        pixels: uint8 `[N,C,H,W]` on the device, laid out channels-last as the files are; or `StreamedPixels`.
        labels: int64 `[N]` on the device; -1 for an image without one.
        unlabelled: whether there are such images.
        keys: int64 `[N]`, what augmentation draws by, on the device or where it makes its numbers instead.
        counts: int64 `[K]` on the device.
    """

    def __init__(self, splits: list[Split], classes: int, device: torch.device, limit: int | None = None):
        self.raw, self.pixels = lay([split.images for split in splits], device, limit)
        self.targets = np.concatenate([split.labels for split in splits]).astype(np.int64)
        self.labels = torch.from_numpy(self.targets).to(device)
        self.keys = torch.cat([keys(split.ids.tolist()) for split in splits])
        if device.type not in ELSEWHERE:
            self.keys = self.keys.to(device)
        known = self.targets >= 0
        self.unlabelled = not known.all()
        self.counts = torch.from_numpy(np.bincount(self.targets[known], minlength=classes)).to(device)
        self.classes = classes

    @property
    def kept(self) -> str:
        """`resident` on the device, or `streamed` from memory maps."""
        return "streamed" if isinstance(self.pixels, StreamedPixels) else "resident"

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
        home = self.keys.device
        return (self.keys[indices.to(home)] + repeats.to(home) * 0x5851F42D4C957F2D).to(indices.device)
