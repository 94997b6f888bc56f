"""What several seeds minimise, each on a batch of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from assay.augment.draw import Draw
from assay.train.dynamics import Recorder
from assay.train.epochs import begin
from assay.train.images import Images
from assay.train.objective import Augment
from assay.train.together.draws import Joined
from assay.train.together.stack import Stack


class Together:
    """Augmented batches of k seeds, and the loss of each network on its own; see `assay.train.objective.Supervised`.

    Args:
        stack: the networks to train.
        images: what they are trained on, the same for all.
        augments: in order, each with whether it treats every image by itself. Those that do are called once for all
            seeds, the others, which look for partners within a batch, once for each.
        seeds: of the stream `augment`, k of them.
        loss: `(logits, targets, counts) -> [B]`, where each row depends on nothing but itself.
        epochs: how many there will be.
        bf16: whether networks run under autocast to bfloat16; losses are computed in float32.
        watches: by the number of a seed, what notes how each of its images fares.
    """

    def __init__(
        self,
        stack: Stack,
        images: Images,
        augments: Sequence[tuple[Augment, bool]],
        seeds: Sequence[int],
        loss: Callable[[Tensor, Tensor, Tensor], Tensor],
        *,
        epochs: int = 1,
        bf16: bool = False,
        watches: Mapping[int, Recorder] | None = None,
    ):
        self.stack = stack
        self.images = images
        self.augments = augments
        self.seeds = seeds
        self.loss = loss
        self.epochs = epochs
        self.bf16 = bf16
        self.watches = watches or {}

    def __call__(self, epoch: int, indices: Tensor, repeats: Tensor) -> tuple[Tensor, Tensor]:
        """Losses `[k]` and accuracies `[k]` of batches `[k,B]`."""
        begin(self.loss, epoch, self.epochs)
        k, size = indices.shape
        x, targets = self.images.batch(indices.flatten())
        x, targets = self._augmented(x, targets, epoch, self.images.draw_ids(indices, repeats))
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            logits = self.stack(x.unflatten(0, (k, size))).float()
        for number, watch in self.watches.items():
            own = indices[number]
            rows = targets.unflatten(0, (k, size))[number]
            watch(epoch, own, repeats[number], logits[number], rows, self.images.labels[own])
        flat = logits.flatten(0, 1)
        losses = self.loss(flat, targets, self.images.counts)
        hits = targets.gather(1, flat.detach().argmax(dim=1, keepdim=True))
        return losses.view(k, size).mean(dim=1), hits.view(k, size).mean(dim=1)

    def _augmented(self, x: Tensor, targets: Tensor, epoch: int, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Images `[k*B,C,H,W]` and targets `[k*B,K]` after all augmentations; ids `[k,B]`."""
        for op, (augment, by_image) in enumerate(self.augments):
            draws = [Draw(seed, epoch, own, op) for seed, own in zip(self.seeds, ids, strict=True)]
            if by_image:
                x, targets = augment(x, targets, Joined(draws))
                continue
            parts = zip(x.chunk(len(draws)), targets.chunk(len(draws)), draws, strict=True)
            made = [augment(images, labels, draw) for images, labels, draw in parts]
            x, targets = torch.cat([images for images, _ in made]), torch.cat([labels for _, labels in made])
        return x, targets
