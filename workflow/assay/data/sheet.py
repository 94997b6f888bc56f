"""Contact sheets: a few images of each class in one picture."""

from __future__ import annotations

import numpy as np

from assay.data.dataset import Dataset

#: Small images are enlarged to about this many pixels, by whole numbers, so that their pixels stay visible.
CELL = 40
GAP = 2
BACKGROUND = 255


def contact_sheet(dataset: Dataset, split: str, per_class: int) -> np.ndarray:
    """The first `per_class` images of each class of `split`, a row a class, for people to look at.

    A class that has fewer leaves its row short. Images without a class (-1) make one more row, or, where no image
    has a class, as many rows as needed for a picture about as wide as high.

    Returns:
        uint8 [height,width,3].

    Raises:
        KeyError: no such split.
    """
    part = dataset.splits[split]
    rows = [np.flatnonzero(part.labels == k)[:per_class] for k in range(len(dataset.classes))]
    loose = np.flatnonzero(part.labels < 0)
    if len(loose) == len(part):
        shown = loose[: per_class * per_class]
        rows = [shown[start : start + per_class] for start in range(0, len(shown), per_class)]
    elif len(loose):
        rows.append(loose[:per_class])
    height, width = part.images.shape[1:3]
    factor = max(1, round(CELL / max(height, width)))
    high, wide = factor * height + GAP, factor * width + GAP
    sheet = np.full((max(len(rows), 1) * high + GAP, per_class * wide + GAP, 3), BACKGROUND, np.uint8)
    for row, members in enumerate(rows):
        for column, index in enumerate(members):
            large = part.images[index].repeat(factor, axis=0).repeat(factor, axis=1)
            top, left = GAP + row * high, GAP + column * wide
            sheet[top : top + factor * height, left : left + factor * width] = large
    return sheet
