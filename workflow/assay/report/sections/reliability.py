"""Reliability diagrams: how often predictions of a confidence are right, by arm and calibrator."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.report.compare import keyed_table
from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import chip, series_legend
from assay.report.material import Material
from assay.report.numbers import short
from assay.report.page import Section
from assay.report.svg import Plot, Style, coordinate

#: Height of the strip of counts under a diagram, as a share of its range.
STRIP = 0.2


def section(material: Material) -> Section | None:
    """One diagram an arm, all seeds pooled, above a table of the calibration error by calibrator."""
    arms = {arm: found for arm in material.arms if (found := _pooled(material, arm))}
    if not arms:
        return None
    names = dict.fromkeys(name for found in arms.values() for name in found)
    # What comes along by itself stands first: the others are compared with it.
    calibrators = sorted(names, key=lambda name: name != "none")
    looks = {name: Style(number) for number, name in enumerate(calibrators)}
    diagrams = [_diagram(material, arm, found, looks) for arm, found in arms.items()]
    body = join([
        note(
            "Share of test images predicted rightly against the mean confidence of their bin, all seeds pooled. The "
            "area of a dot grows with the images in its bin; the bars below show how many there are before "
            "calibration. On the dashed line, confidence is honest."
        ),
        series_legend([(name, looks[name]) for name in calibrators]),
        tag("div", *diagrams, class_="grid-of"),
        tag("h3", "Expected calibration error by calibrator"),
        keyed_table(material, "calibration", "ece", "calibration"),
    ])  # fmt: skip
    return Section("reliability", "Calibration", body)


def _pooled(material: Material, arm: str) -> dict[str, dict[str, Any]]:
    """Calibrator -> edges, count, confidence and accuracy over all seeds, and what it learnt in each."""
    found: dict[str, dict[str, Any]] = {}
    for seed in material.seeds:
        for part in material.figures(arm, seed, "calibration").values():
            for name, drawn in part.get("reliability", {}).items():
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


def _diagram(material: Material, arm: str, found: dict[str, dict[str, Any]], looks: dict[str, Style]) -> Markup:
    plot = Plot(
        (0.0, 1.0), (-STRIP, 1.0), size=(300, 290), x_label="confidence", y_label="accuracy",
        named_y=[(value, short(value)) for value in (0.0, 0.25, 0.5, 0.75, 1.0)],
    )  # fmt: skip
    plot.diagonal()
    told = []
    for name, held in sorted(found.items(), key=lambda one: one[0] != "none"):
        full = held["count"] > 0
        count, total = held["count"][full], held["count"].sum()
        xs, ys = held["confidence"][full] / count, held["accuracy"][full] / count
        if name == "none" or len(found) == 1:
            _strip(plot, held)
        plot.line(xs.tolist(), ys.tolist(), looks[name])
        for x, y, n in zip(xs.tolist(), ys.tolist(), count.tolist(), strict=True):
            plot.dot(
                x,
                y,
                looks[name],
                f"{name}: confidence {x:.3f}, accuracy {y:.3f}, {n:.0f} images",
                r=round(2.2 + 4 * (n / total) ** 0.5, 1),
            )
        told += [
            f"{key} {short(float(np.mean([fit[key] for fit in held['fitted']])))}"
            for key in held["fitted"][0]
            if _numbers(held, key)
        ]
    learnt = " · " + ", ".join(told) if told else ""
    words = f"Reliability diagram of {arm} by calibrator ({', '.join(found)}){learnt}"
    caption = [chip(material.style(arm)), arm, tag("span", learnt, class_="soft")]
    return figure(plot.draw(words), caption, kind="reliability")


def _numbers(held: dict[str, Any], key: str) -> bool:
    return all(isinstance(fit.get(key), int | float) for fit in held["fitted"])


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
