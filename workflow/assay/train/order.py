"""Which images each batch of an epoch holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from assay.errors import MethodError
from assay.streams import Streams
from assay.train.epochs import begin

#: Chooses the images of one epoch: `(labels, rng) -> indices`.
Sampler = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class Order:
    """The batches of every epoch, derived from the stream `order` and the epoch alone.

    An epoch is cut into batches that differ by one image at most, so none is so small that its batch statistics
    mean nothing.

    Args:
        labels: int64 `[N]`.
        batch: largest batch.
        streams: holds the stream `order`.
        sampler: how an epoch is sampled; every image once by default. It may change by epoch, see `assay.train.epochs`.
        scope: tells several trainings of one job apart.
        epochs: how many there will be.
    """

    def __init__(
        self,
        labels: np.ndarray,
        batch: int,
        streams: Streams,
        sampler: Sampler | None = None,
        scope: str = "train",
        epochs: int = 1,
    ):
        if not len(labels):
            raise MethodError("there are no images to train on")
        self.labels = labels
        self.streams = streams
        self.sampler = sampler
        self.scope = scope
        self.epochs = epochs
        self.images = len(self._epoch(0))
        if not self.images:
            raise MethodError("there are no images to train on")
        self.steps = -(-self.images // batch)

    def _epoch(self, epoch: int) -> np.ndarray:
        if self.sampler is None:
            chosen = np.arange(len(self.labels))
        else:
            begin(self.sampler, epoch, self.epochs)
            chosen = self.sampler(self.labels, self.streams.numpy("order", self.scope, "sample", epoch))
        return self.streams.numpy("order", self.scope, "shuffle", epoch).permutation(chosen)

    def batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """For each batch the images' indices, int64 `[B]`, and how often each came before in this epoch, `[B]`.

        Raises:
            MethodError: a sampler whose epochs differ in size, which would move the schedule.
        """
        chosen = self._epoch(epoch)
        if len(chosen) != self.images:
            raise MethodError(f"the sampler gave {len(chosen)} images in epoch {epoch}, {self.images} in epoch 0")
        repeats = _repeats(chosen)
        for part in np.array_split(np.arange(len(chosen)), self.steps):
            yield torch.from_numpy(chosen[part]), torch.from_numpy(repeats[part])


class Only:
    """A sampler that sees the images of some classes alone.

    Args:
        classes: their numbers.
        sampler: how an epoch of these is sampled; every image once by default.
    """

    def __init__(self, classes: Sequence[int], sampler: Sampler | None = None):
        self.classes = classes
        self.sampler = sampler

    def epoch(self, number: int, of: int) -> None:
        """Epoch `number`, counted from 0, of `of` begins."""
        if self.sampler is not None:
            begin(self.sampler, number, of)

    def __call__(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The images of an epoch by labels int64 `[N]`."""
        rows = np.flatnonzero(np.isin(labels, self.classes))
        return rows if self.sampler is None or not len(rows) else rows[self.sampler(labels[rows], rng)]


def _repeats(chosen: np.ndarray) -> np.ndarray:
    """For each entry, how many equal ones stand before it."""
    by_value = np.argsort(chosen, kind="stable")
    ordered = chosen[by_value]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(ordered)])
    repeats = np.empty_like(by_value)
    repeats[by_value] = np.arange(len(ordered)) - np.repeat(starts, lengths)
    return repeats
