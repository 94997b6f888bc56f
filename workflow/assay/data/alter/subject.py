"""What a method is given that alters images or labels on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.data.archive import Files


@dataclass(frozen=True)
class Subject:
    """The images of one split as they stand before the alteration; a method returns new arrays and changes none.

    Attributes:
        split: which one, such as `train` or `test`.
        images: uint8 [N,H,W,C].
        labels: int64 [N], index into `classes`; -1 for no class.
        ids: text [N], the names of the images in their source.
        classes: names, K of them.
        rng: at the start of the alteration's own part of stream `alteration`.
        files: where published files come from.
    """

    split: str
    images: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    classes: Sequence[str]
    rng: np.random.Generator
    files: Files

    def __len__(self) -> int:
        return len(self.images)
