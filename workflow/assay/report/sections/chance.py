"""How far accuracy would lie elsewhere with other seeds, and with other seeds and another test set."""

from __future__ import annotations

import numpy as np

from assay.figures.numbers import MISSING, plain
from assay.report.compare import Column, column
from assay.report.html import join, note
from assay.report.legend import named
from assay.report.material import Material
from assay.report.page import Section
from assay.report.tables import Head, cell, row_head, table
from assay.statistics.crossed import crossed
from assay.statistics.interval import interval


def section(material: Material) -> Section | None:
    """A row for each arm whose predictions are there for two seeds or more; None without any."""
    accuracy = column(material, "accuracy", "accuracy", {})
    rows = []
    for arm in material.arms if accuracy else []:
        right = rightness(material, arm, accuracy) if accuracy else None
        ends = crossed(right) if right is not None else None
        if accuracy and right is not None and ends is not None:
            seeds = interval(list(right.mean(axis=1)))
            alone = (seeds.low, seeds.high) if seeds and seeds.low is not None else None
            rows.append([
                row_head(named(material, arm), arm),
                cell(plain(float(right.mean()), 3), f"{right.mean():.6g}", number=True),
                cell(_written(alone), number=True),
                cell(_written(ends), number=True),
                cell(f"{right.shape[1]:,}", right.shape[1], number=True),
            ])  # fmt: skip
    if not rows:
        return None
    words = note(
        "95% intervals of test accuracy. The first tells of other seeds on this test set; the second, a bootstrap over "
        "seeds and test images at once, tells of other seeds on another test set of this size. Arms share their seeds "
        "and test images, so their difference is often surer than these intervals look."
    )
    heads = [Head("Arm"), *(Head(word, number=True) for word in ("Accuracy", "Seeds", "Seeds and images", "Images"))]
    return Section("chance", "Accuracy by chance", join([words, table(heads, rows, label="Accuracy by chance")]))


def rightness(material: Material, arm: str, accuracy: Column) -> np.ndarray | None:
    """Whether each seed of an arm predicts each test image rightly, bool [S,N].

    None where predictions of a seed are not there, are of other images than those of the first, or give another
    accuracy than was measured.
    """
    rows: list[np.ndarray] = []
    first: np.ndarray | None = None
    for seed, measured in accuracy.values.get(arm, {}).items():
        folder = material.trials[arm, seed].predict.get("test")
        if folder is None or not (folder / "predictions.npz").exists():
            return None
        with np.load(folder / "predictions.npz", allow_pickle=False) as archive:
            right, ids = archive["logits"].argmax(axis=1) == archive["label"], archive["id"]
        first = ids if first is None else first
        if not np.array_equal(first, ids) or abs(float(right.mean()) - measured) > 1e-9:
            return None
        rows.append(right)
    return np.array(rows) if rows else None


def _written(ends: tuple[float | None, float | None] | None) -> str:
    return MISSING if ends is None else f"[{plain(ends[0], 3)}, {plain(ends[1], 3)}]"
