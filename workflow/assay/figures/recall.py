"""Recall of each class beside how many images of it training had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from assay.figures.markup import tag
from assay.figures.svg import Drawing, Plot, Style, coordinate

#: Classes up to which each has a row of its own; more are grouped by how many train images they have.
ROWS = 50


class Recalls(NamedTuple):
    """Classes, their train counts, the split, and recalls [seeds, K] (NaN for a class without images)."""

    classes: tuple[str, ...]
    counts: tuple[int, ...]
    split: str
    values: np.ndarray


def recalls_of(figures: Iterable[dict[str, Any]]) -> Recalls | None:
    """The recalls of some trials, on the test split (on the first split judged when test was not).

    Args:
        figures: `figures.json` of the family `accuracy`, one for each trial.
    """
    rows, about = [], None
    for drawn in figures:
        if not drawn.get("recall"):
            continue
        split = "test" if "test" in drawn["recall"] else next(iter(drawn["recall"]))
        rows.append(np.array(drawn["recall"][split], float))
        about = about or (tuple(map(str, drawn["classes"])), tuple(drawn["train-counts"]), split)
    return Recalls(*about, np.stack(rows)) if about else None


def rows(arms: dict[str, Recalls], looks: Mapping[str, Style]) -> Drawing:
    """A row for each class, the rarest last, with the arms' means over seeds and their ranges.

    Args:
        arms: recalls of arms that trained on the same counts.
        looks: how each arm looks.
    """
    classes, train, split, _ = next(iter(arms.values()))
    counts = np.array(train)
    order = np.argsort(-counts, kind="stable")
    names = [f"{classes[at]}" for at in order]
    sizes = counts[order].astype(float)
    values = {arm: found.values[:, order] for arm, found in arms.items()}
    if len(classes) > ROWS:
        bins = np.array_split(np.arange(len(classes)), ROWS // 2)
        names = [f"{sizes[one].min():.0f}–{sizes[one].max():.0f} images" for one in bins]
        sizes = np.array([sizes[one].mean() for one in bins])
        values = {
            arm: np.stack([np.nanmean(found[:, one], axis=1) for one in bins], axis=1) for arm, found in values.items()
        }
    count = len(names)
    # A row holds a lane for each arm, so that intervals never hide one another.
    pitch = max(18.0, 5.0 * len(arms) + 6)
    left = 14 + min(16, max(len(name) for name in names)) * 6.4
    plot = Plot(
        (0.0, 1.0), (float(count), 0.0), size=(400, count * pitch + 44), margin=(left, 6, 40, 38), grid=False,
        x_label=f"recall on {split}", named_y=[(row + 0.5, name[:16]) for row, name in enumerate(names)],
    )  # fmt: skip
    _train_bars(plot, sizes, pitch)
    for lane, (arm, found) in enumerate(values.items()):
        style = looks[arm]
        for row in range(count):
            seen = found[:, row][np.isfinite(found[:, row])]
            if not len(seen):
                continue
            y = row + 0.5 + (lane - (len(values) - 1) / 2) * 0.76 / max(len(values), 2)
            if len(seen) > 1:
                ends = (float(seen.min()), y), (float(seen.max()), y)
                plot.bar_between(*ends, style, arm=style.number, width=1.3)
            plot.dot(
                float(seen.mean()),
                y,
                style,
                f"{arm}, {names[row]}: {seen.mean():.3f} ({seen.min():.3f} to {seen.max():.3f})",
                arm=style.number,
                r=3.0,
            )
    told = "; ".join(f"{arm} {np.nanmean(found[:, -1]):.3f}" for arm, found in values.items())
    label = f"Recall by class; on {names[-1]}, which has the fewest train images: {told}"
    return Drawing(plot, label, [(arm, looks[arm]) for arm in arms])


def _train_bars(plot: Plot, sizes: np.ndarray, pitch: float) -> None:
    """How many train images each row stands for: bars behind the marks, and numbers at the right."""
    for row, size in enumerate(sizes):
        top, tall = plot.y(row + 0.04), pitch * 0.92
        width = (plot.x.end - plot.x.start) * float(size) / max(float(sizes.max()), 1.0)
        plot.add(
            tag(
                "rect",
                x=coordinate(plot.x(0)),
                y=coordinate(top),
                width=coordinate(width),
                height=coordinate(tall),
                class_="bar wash",
            )
        )
        plot.words(1.0, row + 0.5, f"{size:,.0f}", dx=8, dy=3.6)
