"""Confusion matrices: what each class is taken for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from assay.figures.markup import tag
from assay.figures.pictures import uri
from assay.figures.svg import Drawing, Plot, coordinate, text

#: Classes up to which the cells carry numbers and the axes all names.
NUMBERED = 12

#: Okabe and Ito's blue; its opacity is the share, up to the most at which text on it can be read.
BLUE, OPACITY = (0, 114, 178), 0.8


class Confusion(NamedTuple):
    """Shares [K,K] of the images of each true class (row) by what they are taken for (column)."""

    share: np.ndarray
    classes: list[str]
    split: str


def pooled(figures: Iterable[dict[str, Any]]) -> Confusion | None:
    """The confusion over some trials, on the test split (on the first split judged when test was not).

    Args:
        figures: `figures.json` of the family `accuracy`, one for each trial.
    """
    total, classes, split = None, [], ""
    for drawn in figures:
        if not drawn.get("confusion"):
            continue
        split = "test" if "test" in drawn["confusion"] else next(iter(drawn["confusion"]))
        counts = np.array(drawn["confusion"][split], float)
        total = counts if total is None else total + counts
        classes = [str(one) for one in drawn["classes"]]
    if total is None:
        return None
    return Confusion(total / np.maximum(total.sum(axis=1, keepdims=True), 1), classes, split)


def matrix(name: str, found: Confusion) -> Drawing:
    """The matrix; `name` says whose it is."""
    share, classes, split = found
    count = len(classes)
    longest = max(len(one) for one in classes)
    left = 26 + min(8, longest) * 6.5
    bottom = 34 if longest <= 2 and count <= NUMBERED else 24 + min(8, longest) * 6.5
    named = [(number + 0.5, one[:8]) for number, one in enumerate(classes)] if count <= 40 else []
    side = 240.0
    plot = Plot(
        (0.0, count), (float(count), 0.0), size=(left + side + 4, side + bottom + 4), margin=(left, 4, 4, bottom),
        grid=False, named_x=named if longest <= 2 else [], named_y=named,
    )  # fmt: skip
    plot.marks.append(
        tag(
            "image", href=_cells(share), x=coordinate(plot.x(0)), y=coordinate(plot.y(0)), width=coordinate(side),
            height=coordinate(side), preserveAspectRatio="none", style="image-rendering:pixelated", aria_hidden="true",
        )
    )  # fmt: skip
    if longest > 2:
        for middle, one in named:
            plot.add(text(plot.x(middle) + 3, plot.y(count) + 9, one, "end", turn=-45))
    if count <= NUMBERED:
        for row, column in zip(*np.nonzero(share >= 0.005), strict=True):
            plot.words(
                column + 0.5,
                row + 0.5,
                f"{100 * share[row, column]:.0f}",
                dy=3.6,
                anchor="middle",
                class_="ink" if count < 11 else "ink small",
            )
    plot.x_label, plot.y_label = "predicted", "true"
    return Drawing(plot, f"Confusion matrix of {name} on {split}: {_worst(share, classes)}")


def _cells(share: np.ndarray) -> str:
    """The matrix as a picture, one pixel a cell, whose opacity is the share: it suits light and dark."""
    pixels = np.zeros((*share.shape, 4), np.uint8)
    pixels[..., :3] = BLUE
    pixels[..., 3] = np.round(255 * OPACITY * share)
    return uri(pixels)


def _worst(share: np.ndarray, classes: list[str]) -> str:
    off = share - np.diag(np.diag(share))
    row, column = np.unravel_index(int(off.argmax()), off.shape)
    if off[row, column] == 0:
        return "no class is ever taken for another"
    return f"most often {classes[row]} is taken for {classes[column]}, {100 * off[row, column]:.0f}%"
