"""What a source returns: images as they come, before a study splits or alters them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from assay.data.decisions import Decisions
from assay.errors import MethodError


@dataclass
class Raw:
    """Images, labels and what the source says about them.

    Attributes:
        images: uint8 [N,H,W,C], C is 1 or 3.
        labels: int64 [N], index into `classes`; -1 for images of no class.
        classes: class names.
        ids: text [N], unique; the position in the source when left out.
        parts: text [N], the official split of each image (`train`, `unlabelled`, `val` or `test`); None without one.
        groups: text [N] or None.
        original: int64 [N], the right labels where `labels` are others on purpose; None where they are the right ones.
        soft: float32 [N,K], the share of each class among people's votes, rows that sum to 1; None without votes.
        licence: of the images.
        citation: authors, year, and arXiv number, DOI or address.
        decisions: what was done about odd images, sentence -> how many and which (see `assay.data.decisions`).

    Raises:
        MethodError: arrays that do not fit together, a label outside the classes, a repeated id or class name.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: list[str]
    ids: np.ndarray | None = None
    parts: np.ndarray | None = None
    groups: np.ndarray | None = None
    original: np.ndarray | None = None
    soft: np.ndarray | None = None
    licence: str = ""
    citation: str = ""
    decisions: Decisions = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.images)
        if self.images.ndim != 4 or self.images.dtype != np.uint8 or self.images.shape[3] not in (1, 3):
            raise MethodError(
                f"images must be uint8 [N,H,W,C] with 1 or 3 channels, not {self.images.dtype} {self.images.shape}"
            )
        # Planes of colour behind one another, as CIFAR-10 has them, would be put in order anew by each later step.
        self.images = np.ascontiguousarray(self.images)
        if self.ids is None:
            self.ids = numbered(count)
        named = {name: getattr(self, name) for name in ("labels", "ids", "parts", "groups", "original")}
        for name, array in named.items():
            if array is not None and array.shape != (count,):
                raise MethodError(f"expected one of {name} for each of {count} images, got shape {array.shape}")
        self.labels = self._checked_labels(self.labels)
        if self.original is not None:
            self.original = self._checked_labels(self.original)
        if self.soft is not None:
            self._check_soft(self.soft)
        if len(set(self.classes)) < len(self.classes):
            raise MethodError(f"class names must differ: {self.classes}")
        if len(np.unique(self.ids)) < count:
            names, counts = np.unique(self.ids, return_counts=True)
            raise MethodError(f"ids of images must differ; {names[counts > 1][0]} stands there {counts.max()} times")
        unknown = set() if self.parts is None else set(self.parts.tolist()) - {"train", "unlabelled", "val", "test"}
        if unknown:
            raise MethodError(f"official splits are train, unlabelled, val and test, not {', '.join(sorted(unknown))}")

    def _checked_labels(self, labels: np.ndarray) -> np.ndarray:
        if not np.issubdtype(labels.dtype, np.integer):
            raise MethodError(f"labels must be integers, not {labels.dtype}")
        wrong = np.flatnonzero((labels < -1) | (labels >= len(self.classes)))
        if len(wrong):
            raise MethodError(
                f"label {labels[wrong[0]]} of image {wrong[0]} is out of range: expected 0 to {len(self.classes) - 1}"
            )
        return labels.astype(np.int64)

    def _check_soft(self, soft: np.ndarray) -> None:
        if soft.shape != (len(self.images), len(self.classes)):
            raise MethodError(
                f"soft labels must be [{len(self.images)}, {len(self.classes)}], one share a class, not {soft.shape}"
            )
        if not (np.isfinite(soft).all() and (soft >= 0).all() and np.allclose(soft.sum(1), 1, atol=1e-3)):
            raise MethodError("soft labels must be shares >= 0 that sum to 1 for each image")
        self.soft = soft.astype(np.float32)


def numbered(count: int, prefix: str = "") -> np.ndarray:
    """Ids that sort in the order of the images: `prefix` and a number padded with zeros, text [count]."""
    width = max(len(str(count - 1)), 1)
    return np.array([f"{prefix}{number:0{width}d}" for number in range(count)], dtype=str)
