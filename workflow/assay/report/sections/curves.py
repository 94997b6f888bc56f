"""Training curves: the mean over seeds and the range from the lowest seed to the highest, by arm."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import arms_legend
from assay.report.material import Material
from assay.report.numbers import plural
from assay.report.page import Section
from assay.report.svg import Plot, Style, padded
from assay.run.files import read_lines
from assay.run.results import TrialFiles

#: Points to which a curve is thinned; more than the pixels of a figure need.
POINTS = 80


class Curve(NamedTuple):
    """One logged quantity of one job: values [P] against the epoch or, where there are none, the step."""

    against: str
    xs: np.ndarray
    ys: np.ndarray


def section(material: Material) -> Section | None:
    """One figure for each quantity that training logged, then those of later stages, generators and encoders."""
    trained = {arm: _curves([trial.train for trial in _trials(material, arm)]) for arm in material.arms}
    tuned = {
        arm: _curves([trial.model for trial in _trials(material, arm) if trial.model != trial.train])
        for arm in material.arms
    }
    arms = [arm for arm in material.arms if trained[arm] or tuned[arm]]
    parts: list[Markup | None] = []
    if arms:
        parts += [
            note("Mean over seeds; the band runs from the lowest seed to the highest."),
            arms_legend(material, arms),
            *_grids(_figures(material, trained)),
        ]
    if any(tuned.values()):
        parts += [tag("h3", "After training: adjustment and compression"), *_grids(_figures(material, tuned))]
    for group in ("generators", "encoders"):
        for name in material.study.get(group) or {}:
            made = _grids(_made(material, group, name))
            parts += [tag("h3", f"{group.removesuffix('s').capitalize()} ", name), *made] if made else []
    return Section("curves", "Training curves", join(parts), short="Curves") if parts else None


def _trials(material: Material, arm: str) -> list[TrialFiles]:
    return [trial for (name, _), trial in material.trials.items() if name == arm]


def _grids(figures: dict[str, Markup]) -> list[Markup]:
    """Losses and accuracies in sight, further curves behind a click."""
    leading = [one for name, one in figures.items() if "loss" in name or "accuracy" in name]
    others = [one for name, one in figures.items() if "loss" not in name and "accuracy" not in name]
    grids = [tag("div", *leading, class_="grid-of")] if leading else []
    if others:
        grid = tag("div", *others, class_="grid-of")
        grids.append(tag("details", tag("summary", plural(len(others), "further curve")), grid))
    return grids


def _made(material: Material, group: str, name: str) -> dict[str, Markup]:
    """The curves of a generator or an encoder, a line for each of its seeds."""
    records = [
        record for path, record in material.results.plan["records"].items() if path.startswith(f"{group}/{name}/")
    ]
    curves = _curves([material.results.folder_of(digest) for record in records for digest in record["jobs"]])
    drawn = {}
    for key in _ordered(set(curves)):
        plot = _axes(key, [curves[key]])
        for number, curve in enumerate(curves[key]):
            plot.line(curve.xs, curve.ys, Style(number))
        drawn[key] = figure(plot.draw(f"{key} of {name} against the {plot.x_label}"), key, kind="curve")
    return drawn


def _figures(material: Material, by_arm: dict[str, dict[str, list[Curve]]]) -> dict[str, Markup]:
    names = _ordered({name for curves in by_arm.values() for name in curves})
    return {
        name: _figure(name, {arm: curves[name] for arm, curves in by_arm.items() if name in curves}, material)
        for name in names
    }


def _figure(name: str, arms: dict[str, list[Curve]], material: Material) -> Markup:
    plot = _axes(name, list(arms.values()))
    means = {}
    for arm, curves in arms.items():
        grid, values = _together(curves)
        style, number = material.style(arm), material.number(arm)
        if len(curves) > 1:
            plot.band(grid, values.min(axis=0), values.max(axis=0), style, arm=number)
        means[arm] = (grid, values.mean(axis=0))
    for arm, (grid, mean) in means.items():
        plot.line(grid, mean, material.style(arm), arm=material.number(arm))
    last = "; ".join(f"{arm} ends at {mean[-1]:.3g}" for arm, (_, mean) in means.items())
    return figure(plot.draw(f"{name} against the {plot.x_label} by arm: {last}"), name, kind="curve")


def _axes(name: str, groups: list[list[Curve]]) -> Plot:
    every = [curve for curves in groups for curve in curves]
    ys = np.concatenate([curve.ys for curve in every])
    low, high = padded(ys)
    if "accuracy" in name:
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


def _curves(folders: list[Path | None]) -> dict[str, list[Curve]]:
    """Name -> one curve for each folder that logged it."""
    found: dict[str, list[Curve]] = {}
    for folder in folders:
        lines = read_lines(folder / "curves.jsonl") if folder else []
        against = "epoch" if all("epoch" in line for line in lines) else "step"
        for name in {key for line in lines for key in line} - {"step", "epoch", "time"}:
            kept = [(line[against], line[name]) for line in lines if line.get(name) is not None]
            array = np.array(kept[:: max(1, len(kept) // (4 * POINTS))], float)
            found.setdefault(name, []).append(Curve(against, array[:, 0], array[:, 1]))
    return found


def _ordered(names: set[str]) -> list[str]:
    """Losses, then accuracies, then the rest."""
    return sorted(names, key=lambda name: ("loss" not in name, "accuracy" not in name, name))
