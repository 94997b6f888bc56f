"""Accuracy of each group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from assay.figures.svg import Drawing, Plot, Style

#: Groups that are drawn, the worst first.
ROWS = 40


class Groups(NamedTuple):
    """The split, the accuracies of each group over seeds, and those on all images."""

    split: str
    values: dict[str, list[float]]
    means: list[float]


def groups_of(figures: Iterable[dict[str, Any]]) -> Groups | None:
    """The groups of some trials, on the test split (on the first split judged when test was not).

    Args:
        figures: `figures.json` of the family `groups`, one for each trial.
    """
    values: dict[str, list[float]] = {}
    means: list[float] = []
    split = ""
    for drawn in figures:
        splits = drawn.get("splits") or {}
        if not splits:
            continue
        split = "test" if "test" in splits else next(iter(splits))
        for name, accuracy in zip(splits[split]["groups"], splits[split]["accuracy"], strict=True):
            values.setdefault(name, []).append(accuracy)
        means.append(splits[split]["mean"])
    return Groups(split, values, means) if values else None


def rows(arms: dict[str, Groups], looks: Mapping[str, Style]) -> Drawing:
    """A row for each group, the worst of the first arm on top, with the arms' means over seeds and their ranges.

    Args:
        arms: groups of arms that were judged on the same ones.
        looks: how each arm looks.
    """
    first = next(iter(arms.values()))
    names = sorted(first.values, key=lambda name: (float(np.mean(first.values[name])), name))[:ROWS]
    pitch = max(18.0, 5.0 * len(arms) + 6)
    left = 14 + min(16, max(len(name) for name in names)) * 6.4
    plot = Plot(
        (0.0, 1.0), (float(len(names)), 0.0), size=(400, len(names) * pitch + 44), margin=(left, 6, 40, 38), grid=False,
        x_label=f"accuracy on {first.split}", named_y=[(row + 0.5, name[:16]) for row, name in enumerate(names)],
    )  # fmt: skip
    for lane, (arm, found) in enumerate(arms.items()):
        style = looks[arm]
        plot.rule(x=float(np.mean(found.means)))
        for row, name in enumerate(names):
            seen = found.values.get(name, [])
            if not seen:
                continue
            y = row + 0.5 + (lane - (len(arms) - 1) / 2) * 0.76 / max(len(arms), 2)
            if len(seen) > 1:
                plot.bar_between((min(seen), y), (max(seen), y), style, arm=style.number, width=1.3)
            mean = float(np.mean(seen))
            plot.dot(mean, y, style, f"{arm}, {name}: {mean:.3f}", arm=style.number, r=3.0)
    told = "; ".join(f"{arm} {np.mean(found.values.get(names[0], [np.nan])):.3f}" for arm, found in arms.items())
    label = f"Accuracy by group; on {names[0]}, the worst of {next(iter(arms))}: {told}"
    return Drawing(plot, label, [(arm, looks[arm]) for arm in arms])
