"""Images with labels in named splits: what every later stage works on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: The splits of a dataset in the order in which they are written, summed up and shown.
ORDER = ("train", "unlabelled", "val", "test", "triggered", "hold-out", "synthetic")

#: What stands between the id of an image and the number of an altered copy of it.
COPY = ":copy-"


@dataclass
class Split:
    """Images of one split and what is known of each; all arrays have the same length N.

    Attributes:
        images: uint8 [N,H,W,C], C is 1 (grey) or 3 (RGB).
        labels: int64 [N], index into the dataset's classes; -1 for no class (held-out classes, noise images).
        ids: text [N], the name of an image in its source; unique within a dataset.
        original: int64 [N], the label before it was altered. In `hold-out`: index into the card's `held-out`.
        groups: text [N], e.g. the patient or an attribute; None when the source knows none.
        flags: name -> bool [N], marks set by alterations, e.g. `noisy`.
        soft: float32 [N,K], the share of each class among people's votes; None when the source has no votes.
    """

    images: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    original: np.ndarray
    groups: np.ndarray | None = None
    flags: dict[str, np.ndarray] = field(default_factory=dict)
    soft: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8 or self.images.shape[3] not in (1, 3):
            raise ValueError(
                f"images must be uint8 [N,H,W,C] with 1 or 3 channels, not {self.images.dtype} {self.images.shape}"
            )
        arrays = {"labels": self.labels, "ids": self.ids, "original": self.original, **self.flags}
        if self.groups is not None:
            arrays["groups"] = self.groups
        for name, array in arrays.items():
            if array.shape != (len(self.images),):
                raise ValueError(f"{name} must have one entry for each of {len(self.images)} images, not {array.shape}")
        if self.soft is not None and (self.soft.ndim != 2 or len(self.soft) != len(self.images)):
            raise ValueError(f"soft must be [N,K] for {len(self.images)} images, not {self.soft.shape}")
        if self.labels.dtype != np.int64 or self.original.dtype != np.int64:
            raise ValueError(f"labels must be int64, not {self.labels.dtype} and {self.original.dtype}")

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: np.ndarray) -> Split:
        """The split of the images at `indices` (int [M], or bool [N]), in that order."""
        return Split(
            self.images[indices],
            self.labels[indices],
            self.ids[indices],
            self.original[indices],
            None if self.groups is None else self.groups[indices],
            {name: flag[indices] for name, flag in self.flags.items()},
            None if self.soft is None else self.soft[indices],
        )


@dataclass
class Dataset:
    """Splits over one list of classes, and the card that describes them.

    Attributes:
        classes: names; the label k means `classes[k]`.
        splits: name -> Split; `train`, `unlabelled` (images whose labels training may not see: label
            -1, the true one in `original`), `val`, `test`, `triggered` (test images with the trigger of a back door and
            the label that the attacker wants), `hold-out` (images of held-out classes), or `synthetic` alone.
        card: plain JSON: counts, channel statistics, digest, licence, what was altered (see `assay.data.card`).
    """

    classes: list[str]
    splits: dict[str, Split]
    card: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.splits:
            raise ValueError("a dataset needs at least one split")
        shapes = {split.images.shape[1:] for split in self.splits.values()}
        if len(shapes) > 1:
            raise ValueError(f"images of all splits must have the same shape, not {sorted(shapes)}")
        for name, split in self.splits.items():
            low, high = (-1, -1) if len(split) == 0 else (int(split.labels.min()), int(split.labels.max()))
            if low < -1 or high >= len(self.classes):
                raise ValueError(
                    f"labels of {name} run from {low} to {high}, but there are {len(self.classes)} classes"
                )

    @property
    def _shape(self) -> tuple[int, ...]:
        return next(iter(self.splits.values())).images.shape

    @property
    def size(self) -> int:
        """Height of an image in pixels."""
        return self._shape[1]

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (RGB)."""
        return self._shape[3]

    def counts(self, split: str) -> np.ndarray:
        """How many images of each class `split` holds: int64 [K]; images without a class (-1) are left out."""
        labels = self.splits[split].labels
        return np.bincount(labels[labels >= 0], minlength=len(self.classes)).astype(np.int64)

    def digest(self) -> str:
        """SHA-256 (hex) over the classes and, split by split, the decoded images and labels in their order."""
        hashed = hashlib.sha256("\n".join(self.classes).encode())
        for name in sorted(self.splits, key=rank):
            hashed.update(f"\n{name}\n".encode())
            hashed.update(content_digest(self.splits[name].images, self.splits[name].labels).encode())
        return hashed.hexdigest()


def originals(ids: np.ndarray) -> np.ndarray:
    """Of ids, text [N], those of the images that altered copies were made of; an image's own id stays."""
    return np.array([str(name).partition(COPY)[0] for name in ids], dtype=str)


def rank(split: str) -> tuple[int, str]:
    """Sort key that puts splits into their usual order, unknown ones last."""
    return (ORDER.index(split) if split in ORDER else len(ORDER), split)


def content_digest(images: np.ndarray, labels: np.ndarray) -> str:
    """SHA-256 (hex) of decoded images, uint8 [N,H,W,C], and labels, int [N], in their order; the shape counts."""
    hashed = hashlib.sha256(repr(images.shape).encode())
    hashed.update(np.ascontiguousarray(images, np.uint8).reshape(-1).data)  # no copy: some sets take gigabytes
    hashed.update(np.ascontiguousarray(labels, "<i8").tobytes())
    return hashed.hexdigest()
