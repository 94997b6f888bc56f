"""Training curves: one drawing for each quantity that jobs logged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from assay.figures.svg import Drawing, Plot, Style, padded

#: Points to which a curve is thinned; more than the pixels of a figure need.
POINTS = 80


class Curve(NamedTuple):
    """One logged quantity of one job: values [P] against the epoch or, where there are none, the step."""

    against: str
    xs: np.ndarray
    ys: np.ndarray


def curves_of(jobs: Iterable[Sequence[Mapping[str, Any]]]) -> dict[str, list[Curve]]:
    """Name -> one curve for each job that logged it, losses first, then accuracies.

    Args:
        jobs: the lines of each job's `curves.jsonl`.
    """
    found: dict[str, list[Curve]] = {}
    for lines in jobs:
        against = "epoch" if all("epoch" in line for line in lines) else "step"
        for name in {key for line in lines for key in line} - {"step", "epoch", "time"}:
            kept = [(line[against], line[name]) for line in lines if line.get(name) is not None]
            array = np.array(kept[:: max(1, len(kept) // (4 * POINTS))], float)
            found.setdefault(name, []).append(Curve(against, array[:, 0], array[:, 1]))
    return {name: found[name] for name in ordered(found)}


def ordered(names: Iterable[str]) -> list[str]:
    """Losses, then accuracies, then the rest."""
    return sorted(names, key=lambda name: ("loss" not in name, "accuracy" not in name, name))


def each(key: str, curves: list[Curve], name: str) -> Drawing:
    """A line for each curve; `name` says whose they are."""
    plot = _axes(key, [curves])
    for number, curve in enumerate(curves):
        plot.line(curve.xs, curve.ys, Style(number))
    return Drawing(plot, f"{key} of {name} against the {plot.x_label}")


def by_arm(key: str, arms: dict[str, list[Curve]], looks: Mapping[str, Style]) -> Drawing:
    """For each arm the mean over its curves, within a band from the lowest to the highest."""
    plot = _axes(key, list(arms.values()))
    means = {}
    for arm, curves in arms.items():
        grid, values = _together(curves)
        if len(curves) > 1:
            plot.band(grid, values.min(axis=0), values.max(axis=0), looks[arm], arm=looks[arm].number)
        means[arm] = (grid, values.mean(axis=0))
    for arm, (grid, mean) in means.items():
        plot.line(grid, mean, looks[arm], arm=looks[arm].number)
    last = "; ".join(f"{arm} ends at {mean[-1]:.3g}" for arm, (_, mean) in means.items())
    legend = [(arm, looks[arm]) for arm in arms]
    return Drawing(plot, f"{key} against the {plot.x_label} by arm: {last}", legend)


def _axes(key: str, groups: list[list[Curve]]) -> Plot:
    every = [curve for curves in groups for curve in curves]
    ys = np.concatenate([curve.ys for curve in every])
    low, high = padded(ys)
    if "accuracy" in key:
        high = min(high, 1.0)
    elif ys.min() >= 0 and low < 0:
        low = 0.0
    return Plot((0.0, max(float(curve.xs[-1]) for curve in every)), (low, high), x_label=every[0].against)


def _together(curves: list[Curve]) -> tuple[np.ndarray, np.ndarray]:
    """Curves on one grid: [P] and [seeds, P]. All end where the shortest does."""
    start = max(curve.xs[0] for curve in curves)
    end = min(curve.xs[-1] for curve in curves)
    grid = np.linspace(start, end, min(POINTS, max(len(curve.xs) for curve in curves)))
    return grid, np.stack([np.interp(grid, curve.xs, curve.ys) for curve in curves])
