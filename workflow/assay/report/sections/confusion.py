"""Confusion: what each class is taken for, by arm, all seeds pooled."""

from __future__ import annotations

import numpy as np

from assay.report.html import Markup, figure, note, tag
from assay.report.legend import chip
from assay.report.material import Material
from assay.report.page import Section
from assay.report.pictures import uri
from assay.report.svg import Plot, coordinate, text

#: Classes up to which the cells carry numbers and the axes all names.
NUMBERED = 12

#: Okabe and Ito's blue; its opacity is the share, up to the most at which text on it can be read.
BLUE, OPACITY = (0, 114, 178), 0.8


def section(material: Material) -> Section | None:
    """One matrix an arm, on the test split (on the first split judged when test was not)."""
    drawn = [matrix for arm in material.arms if (matrix := _matrix(material, arm)) is not None]
    if not drawn:
        return None
    explained = note(
        "Rows are true classes and columns predictions; a cell holds the share of the row's images in percent. "
        "All seeds pooled. A good model is dark on the diagonal alone."
    )
    return Section("confusion", "Confusion", tag("div", explained, tag("div", *drawn, class_="grid-of")))


def _matrix(material: Material, arm: str) -> Markup | None:
    total, classes, split = None, [], ""
    for seed in material.seeds:
        drawn = material.figures(arm, seed, "accuracy").get("accuracy", {})
        if not drawn.get("confusion"):
            continue
        split = "test" if "test" in drawn["confusion"] else next(iter(drawn["confusion"]))
        counts = np.array(drawn["confusion"][split], float)
        total = counts if total is None else total + counts
        classes = [str(one) for one in drawn["classes"]]
    if total is None:
        return None
    share = total / np.maximum(total.sum(axis=1, keepdims=True), 1)
    return figure(
        _plot(share, classes, f"Confusion matrix of {arm} on {split}: {_worst(share, classes)}"),
        [chip(material.style(arm)), arm, tag("span", f" · {split}", class_="soft")],
        kind="confusion",
    )


def _plot(share: np.ndarray, classes: list[str], label: str) -> Markup:
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
        for middle, name in named:
            plot.add(text(plot.x(middle) + 3, plot.y(count) + 9, name, "end", turn=-45))
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
    return plot.draw(label)


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
