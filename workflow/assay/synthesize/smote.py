"""SMOTE: new images between an image and a neighbour of the same class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from imblearn.over_sampling import SMOTE
from torch import Tensor

from assay import Option, method
from assay.errors import MethodError
from assay.streams import Streams
from assay.train.checkpoint import Checkpoints


@method(
    "generator",
    "smote",
    summary="synthetic minority over-sampling: pixels between an image and one of its nearest neighbours in its class",
    paper="Chawla et al. 2002, doi:10.1613/jair.953",
    options={
        "neighbours": Option(5, "nearest neighbours k to choose from; fewer where a class is smaller", at_least=1)
    },
    shapes="labels int64 [M], real images uint8 [N,H,W,C] -> samples uint8 [M,H,W,C]",
)
class Smote:
    """x + u (x' - x) with u uniform in 0..1, x an image of the class and x' one of its k nearest in the class.

    Distances are Euclidean over all pixels. The sampling is that of imbalanced-learn. Nothing is learnt beforehand.
    """

    def __init__(self, *, neighbours: int):
        self.neighbours = neighbours

    def fit(
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

    def restore(self, state: dict[str, Tensor], shape: tuple[int, int, int], classes: int) -> None:
        """Nothing to take."""

    def sample(self, labels: np.ndarray, streams: Streams, reference: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """One image for each of `labels`, int64 [M]: uint8 [M,H,W,C].

        Args:
            labels: classes wanted.
            streams: each class draws from a place of its own in stream `generator`.
            reference: the real images uint8 [N,H,W,C] and their labels int64 [N].

        Raises:
            MethodError: a class that has fewer than two real images.
        """
        images, known = np.asarray(reference[0]), np.asarray(reference[1])
        flat = images.reshape(len(images), -1).astype(np.float32)
        out = np.empty((len(labels), *images.shape[1:]), np.uint8)
        for label in np.unique(labels):
            wanted = np.flatnonzero(labels == label)
            count = int((known == label).sum())
            if count < 2:
                raise MethodError(
                    f"smote: class number {label} has {count} image{'s' if count != 1 else ''} and SMOTE needs two to "
                    "draw between; weaken the imbalance, keep more images, or oversample instead"
                )
            neighbours = min(self.neighbours, count - 1)
            if neighbours < self.neighbours:
                print(f"smote: class number {label} has {count} images, so k is {neighbours}, not {self.neighbours}")
            out[wanted] = self._class(flat, known == label, len(wanted), neighbours, streams, int(label)).reshape(
                -1, *images.shape[1:]
            )
        return out

    @staticmethod
    def _class(
        flat: np.ndarray, member: np.ndarray, count: int, neighbours: int, streams: Streams, label: int
    ) -> np.ndarray:
        """`count` new rows of one class, uint8 [count,D]."""
        sampler = SMOTE(
            sampling_strategy={1: int(member.sum()) + count},
            k_neighbors=neighbours,
            random_state=streams.seed("generator", "smote", label) % 2**32,
        )
        # Neighbours come from the class alone; a second class is there because the library asks for one.
        rows = np.concatenate([flat[member], np.zeros_like(flat[:1])])
        target = np.append(np.ones(int(member.sum()), int), 0)
        made, _ = sampler.fit_resample(rows, target)
        return np.rint(made[len(rows) :]).clip(0, 255).astype(np.uint8)
