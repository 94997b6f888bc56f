"""Recall by class: one row a class, or a group of classes where there are many."""

from __future__ import annotations

import numpy as np
from assay.figures.recall import ROWS, Recalls, rows
from assay.figures.svg import Style


def test_many_classes_are_grouped_by_their_train_images() -> None:
    classes = tuple(f"c{number}" for number in range(100))
    values = np.linspace(1, 0, 100)[None].repeat(2, axis=0)
    found = Recalls(classes, tuple(range(200, 100, -1)), "test", values)
    drawn = str(rows({"baseline": found}, {"baseline": Style(0)}).draw())
    assert drawn.count("<rect") == ROWS // 2
    # The first group holds the four most frequent classes, of 200 to 197 images and recall 1 to 96/99.
    assert f"197–200 images: {np.linspace(1, 0, 100)[:4].mean():.3f}" in drawn
