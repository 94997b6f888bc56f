"""Recall of each class beside how many images of it training had."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import arms_legend
from assay.report.material import Material
from assay.report.page import Section
from assay.report.svg import Plot, coordinate

#: Classes up to which each has a row of its own; more are grouped by how many train images they have.
ROWS = 50


def section(material: Material) -> Section | None:
    """One figure for each set of train counts, so that arms are shown together where they trained on equal data."""
    groups: dict[tuple[Any, ...], dict[str, np.ndarray]] = {}
    for arm in material.arms:
        found = _recalls(material, arm)
        if found:
            classes, counts, split, values = found
            groups.setdefault((split, classes, counts), {})[arm] = values
    if not groups:
        return None
    parts: list[Markup] = [
        note(
            "Mean over seeds, with the range from the lowest seed to the highest. Classes are in order of their train "
            "images, before any rebalancing or synthesis; the grey bars show how many those are."
        ),
        arms_legend(material, [arm for arm in material.arms if any(arm in group for group in groups.values())]),
    ]
    for (split, classes, counts), arms in groups.items():
        parts.append(_figure(material, list(classes), np.array(counts), split, arms))
    return Section("recall", "Recall by class", join(parts), short="Recall")


def _recalls(material: Material, arm: str) -> tuple[tuple[str, ...], tuple[int, ...], str, np.ndarray] | None:
    """Classes, train counts, split and recalls [seeds, K] (NaN for a class without images)."""
    rows, about = [], None
    for seed in material.seeds:
        drawn = material.figures(arm, seed, "accuracy").get("accuracy", {})
        if not drawn.get("recall"):
            continue
        split = "test" if "test" in drawn["recall"] else next(iter(drawn["recall"]))
        rows.append(np.array(drawn["recall"][split], float))
        about = about or (tuple(map(str, drawn["classes"])), tuple(drawn["train-counts"]), split)
    return (*about, np.stack(rows)) if about else None


def _figure(
    material: Material, classes: list[str], counts: np.ndarray, split: str, arms: dict[str, np.ndarray]
) -> Markup:
    order = np.argsort(-counts, kind="stable")
    names = [f"{classes[at]}" for at in order]
    sizes = counts[order].astype(float)
    values = {arm: found[:, order] for arm, found in arms.items()}
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
    for lane, (arm, found) in enumerate(values.items()):
        style, number = material.style(arm), material.number(arm)
        for row in range(count):
            seen = found[:, row][np.isfinite(found[:, row])]
            if not len(seen):
                continue
            y = row + 0.5 + (lane - (len(values) - 1) / 2) * 0.76 / max(len(values), 2)
            if len(seen) > 1:
                plot.bar_between((float(seen.min()), y), (float(seen.max()), y), style, arm=number, width=1.3)
            plot.dot(
                float(seen.mean()),
                y,
                style,
                f"{arm}, {names[row]}: {seen.mean():.3f} ({seen.min():.3f} to {seen.max():.3f})",
                arm=number,
                r=3.0,
            )
    rare = names[-1]
    datasets = dict.fromkeys(material.study["arms"][arm]["dataset"] for arm in arms)
    told = "; ".join(f"{arm} {np.nanmean(found[:, -1]):.3f}" for arm, found in values.items())
    drawing = plot.draw(f"Recall by class; on {rare}, which has the fewest train images: {told}")
    return figure(
        drawing, [", ".join(datasets), tag("span", " · at the right: train images", class_="soft")], kind="recall"
    )
