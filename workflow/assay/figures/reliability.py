"""Reliability diagrams: how often predictions of a confidence are right, by calibrator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from assay.evaluate.calibration.wilson import wilson
from assay.figures.markup import tag
from assay.figures.numbers import short
from assay.figures.svg import Drawing, Plot, Style, coordinate

#: Height of the strip of counts under a diagram, as a share of its range.
STRIP = 0.2


def pooled(figures: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Calibrator -> edges, count, confidence and accuracy over some trials, and what it learnt in each.

    Args:
        figures: `figures.json` of the family `calibration`, one for each trial or part of one.
    """
    found: dict[str, dict[str, Any]] = {}
    for one in figures:
        for name, drawn in one.get("reliability", {}).items():
            count = np.array(drawn["count"], float)
            sums = [np.nan_to_num(np.array(drawn[key], float)) * count for key in ("confidence", "accuracy")]
            held = found.setdefault(
                name, {"edges": drawn["edges"], "count": 0, "confidence": 0, "accuracy": 0, "fitted": []}
            )
            held["count"] = held["count"] + count
            held["confidence"] = held["confidence"] + sums[0]
            held["accuracy"] = held["accuracy"] + sums[1]
            held["fitted"].append(drawn.get("fitted") or {})
    return found


def looks_of(calibrators: Iterable[str]) -> dict[str, Style]:
    """How each calibrator looks. What comes along by itself stands first: the others are compared with it."""
    ordered = sorted(dict.fromkeys(calibrators), key=lambda name: name != "none")
    return {name: Style(number) for number, name in enumerate(ordered)}


def learnt(found: dict[str, dict[str, Any]]) -> str:
    """The numbers that the calibrators learnt, mean over trials, such as `temperature 1.31`."""
    told = [
        f"{key} {short(float(np.mean([fit[key] for fit in held['fitted']])))}"
        for _, held in _ordered(found)
        for key in held["fitted"][0]
        if all(isinstance(fit.get(key), int | float) for fit in held["fitted"])
    ]
    return ", ".join(told)


def diagram(name: str, found: dict[str, dict[str, Any]], looks: dict[str, Style]) -> Drawing:
    """The diagram of what `pooled` found; `name` says whose it is."""
    plot = Plot(
        (0.0, 1.0), (-STRIP, 1.0), size=(300, 290), x_label="confidence", y_label="accuracy",
        named_y=[(value, short(value)) for value in (0.0, 0.25, 0.5, 0.75, 1.0)],
    )  # fmt: skip
    plot.diagonal()
    for calibrator, held in _ordered(found):
        full = held["count"] > 0
        count, total = held["count"][full], held["count"].sum()
        xs, ys = held["confidence"][full] / count, held["accuracy"][full] / count
        # Trials are judged on the same images, so each image counts once in the interval.
        once = count / len(held["fitted"])
        lows, highs = wilson(ys * once, once)
        if calibrator == "none" or len(found) == 1:
            _strip(plot, held)
        plot.line(xs.tolist(), ys.tolist(), looks[calibrator])
        for x, y, n, low, high in zip(xs, ys, count, lows, highs, strict=True):
            plot.bar_between((x, low), (x, high), looks[calibrator], width=1)
            plot.dot(
                x,
                y,
                looks[calibrator],
                f"{calibrator}: confidence {x:.3f}, accuracy {y:.3f} ({low:.3f} to {high:.3f}), {n:.0f} images",
                r=round(2.2 + 4 * (n / total) ** 0.5, 1),
            )
    numbers = learnt(found)
    words = f"Reliability diagram of {name} by calibrator ({', '.join(found)})"
    legend = [(calibrator, looks[calibrator]) for calibrator, _ in _ordered(found)]
    return Drawing(plot, f"{words} · {numbers}" if numbers else words, legend)


def _ordered(found: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return sorted(found.items(), key=lambda one: one[0] != "none")


def _strip(plot: Plot, held: dict[str, Any]) -> None:
    """How many images each bin holds, as bars that hang under the diagram."""
    top, room = plot.y(-0.02), plot.y(-STRIP) - plot.y(-0.02)
    largest = float(held["count"].max()) or 1.0
    bars = []
    for left, right, count in zip(held["edges"], held["edges"][1:], held["count"], strict=False):
        x1, x2, height = plot.x(left) + 0.6, plot.x(right) - 0.6, room * float(count) / largest
        bars.append(
            tag(
                "rect",
                x=coordinate(x1),
                y=coordinate(top),
                width=coordinate(x2 - x1),
                height=coordinate(height),
                class_="bar pale",
            )
        )
    plot.add(*bars)
