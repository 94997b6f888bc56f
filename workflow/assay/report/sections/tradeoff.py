"""Cost against accuracy: what a better model takes to store, to run and to train."""

from __future__ import annotations

import numpy as np

from assay.figures.svg import Plot, padded
from assay.report.compare import Column, column, columns, comparison
from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import arms_legend
from assay.report.material import Material
from assay.report.page import Section
from assay.statistics.interval import interval

#: The costs that are drawn; the table holds all.
_DRAWN = ("nonzero-parameters", "nonzero-flops", "disk-bytes", "latency", "train-seconds")


def section(material: Material) -> Section | None:
    """Scatters of accuracy over each cost, above the table of costs."""
    costs = columns(material, "cost")
    if not costs:
        return None
    accuracy = column(material, "accuracy", "accuracy", {})
    drawn = [_scatter(material, cost, accuracy) for cost in costs if cost.name in _DRAWN] if accuracy else []
    arms = [arm for arm in material.arms if accuracy and arm in accuracy.values]
    body = join([
        note(
            "Test accuracy, mean with its 95% interval, against the cost of the final model. Upwards and to the left "
            "is better; the line joins the arms that no other beats on both."
        ) if drawn else None,
        note(
            "The time to train is wall time of training and of every compression after it. What the arm builds on is "
            "left out: its encoder, generator, teachers, search and others of a soup stand in the cost of the study."
        ) if any(cost.name == "train-seconds" for cost in costs) else None,
        arms_legend(material, arms) if drawn else None,
        tag("div", *drawn, class_="grid-of"),
        comparison(material, costs, "Costs by arm"),
    ])  # fmt: skip
    return Section("tradeoff", "Cost against accuracy", body, short="Cost")


def _scatter(material: Material, cost: Column, accuracy: Column) -> Markup:
    points = {}
    for arm in material.arms:
        if arm in cost.values and arm in accuracy.values:
            height = interval(list(accuracy.values[arm].values()))
            if height:
                points[arm] = (float(np.mean(list(cost.values[arm].values()))) / cost.scale[0], height)
    xs = [x for x, _ in points.values()]
    ends = [end for _, height in points.values() for end in (height.low, height.high, height.mean) if end is not None]
    log = min(xs) > 0 and max(xs) / min(xs) > 8
    span = (min(xs) / 1.35, max(xs) * 1.35) if log else padded(xs, 0.12)
    low, high = padded(ends)
    unit = f" ({cost.scale[1]})" if cost.scale[1] else ""
    plot = Plot(span, (low, min(high, 1.004)), x_label=cost.name + unit, y_label="accuracy", x_log=log)
    best = front([(x, height.mean) for x, height in points.values()])
    plot.add(tag("path", d="M" + "L".join(f"{plot.x(x):.1f} {plot.y(y):.1f}" for x, y in best), class_="rule"))
    for arm, (x, height) in points.items():
        style, number = material.style(arm), material.number(arm)
        if height.low is not None and height.high is not None:
            plot.bar_between((x, height.low), (x, height.high), style, arm=number)
        plot.dot(
            x,
            height.mean,
            style,
            f"{arm}: {cost.name} {cost.write(x * cost.scale[0])}, accuracy {height.mean:.3f}",
            arm=number,
            r=4.4,
        )
    told = "; ".join(
        f"{arm} {height.mean:.3f} at {cost.write(x * cost.scale[0])}" for arm, (x, height) in points.items()
    )
    return figure(plot.draw(f"Accuracy against {cost.name}: {told}"), cost.name.replace("-", " "), kind="cost")


def front(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points (cost, accuracy) that no other beats on both, from cheap to dear."""
    best: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not best or y > best[-1][1]:
            best.append((x, y))
    return best
