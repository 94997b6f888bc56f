"""Generators that learn nothing beforehand and make each class's images out of real ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from torch import Tensor

from assay.streams import Streams
from assay.train.checkpoint import Checkpoints


class Classwise(ABC):
    """The contract of a generator, for one that combines pixels of real images of a class."""

    def fit(  # noqa: B027
        self,
        images: np.ndarray,
        labels: np.ndarray,
        classes: int,
        streams: Streams,
        log: Callable[..., None],
        checkpoints: Checkpoints,
    ) -> None:
        """Nothing to do: the images themselves are the model, and `sample` gets them as reference."""

    def state(self) -> dict[str, Tensor]:
        """Empty: nothing is learnt."""
        return {}

    def restore(self, state: dict[str, Tensor], shape: tuple[int, int, int], classes: int) -> None:  # noqa: B027
        """Nothing to take."""

    def sample(self, labels: np.ndarray, streams: Streams, reference: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """One image for each of `labels`, int64 [M]: uint8 [M,H,W,C].

        Args:
            labels: classes wanted.
            streams: each class draws from a place of its own in stream `generator`.
            reference: the real images uint8 [N,H,W,C] and their labels int64 [N].

        Raises:
            MethodError: a class that has too few real images.
        """
        images, known = np.asarray(reference[0]), np.asarray(reference[1])
        flat = images.reshape(len(images), -1).astype(np.float32)
        out = np.empty((len(labels), *images.shape[1:]), np.uint8)
        for label in np.unique(labels):
            wanted = np.flatnonzero(labels == label)
            rows = self.make(flat, known, int(label), len(wanted), streams)
            out[wanted] = np.rint(rows).clip(0, 255).astype(np.uint8).reshape(-1, *images.shape[1:])
        return out

    @abstractmethod
    def make(self, flat: np.ndarray, labels: np.ndarray, label: int, count: int, streams: Streams) -> np.ndarray:
        """`count` new rows of class `label`, float [count,D], from all real rows `flat` [N,D] and their labels [N]."""


def enough(name: str, label: int, count: int) -> str | None:
    """What to say of a class that has fewer than two images; None if it has enough."""
    if count >= 2:
        return None
    return (
        f"{name}: class number {label} has {count} image{'s' if count != 1 else ''} and it needs two to draw between; "
        "weaken the imbalance, keep more images, or oversample instead"
    )
