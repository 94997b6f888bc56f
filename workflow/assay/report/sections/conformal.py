"""Conformal prediction: coverage against the promise, and the size of the sets that it takes."""

from __future__ import annotations

import numpy as np

from assay.figures.conformal import shares_of_sizes, sizes
from assay.figures.svg import Plot, padded
from assay.report.compare import Column, column, columns, comparison, keyed_table
from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import arms_legend
from assay.report.material import Material
from assay.report.page import Section


def section(material: Material) -> Section | None:
    """A table, then coverage against set size and the sizes of sets, a figure each for each method and alpha."""
    shown = columns(material, "conformal")
    if not shown:
        return None
    scatter, counted = [], []
    for method, alpha in _settings(material):
        pair = [
            column(material, "conformal", name, {"method": method, "alpha": alpha}) for name in ("set-size", "coverage")
        ]
        if pair[0] and pair[1]:
            scatter.append(_scatter(material, method, alpha, pair[0], pair[1]))
        drawn = _sizes(material, method, alpha)
        if drawn is not None:
            counted.append(drawn)
    body = join([
        note(
            "A set of classes is given for each test image, made to hold the true class with the promised probability, "
            "the dashed line. Higher coverage than promised at larger sets is no gain."
        ),
        comparison(material, shown, "Conformal sets by arm"),
        *(
            tag("details", tag("summary", f"{words} by method"), keyed_table(material, "conformal", name, "method"))
            for words, name in (("Coverage", "coverage"), ("Set size", "set-size"))
        ),
        arms_legend(material, [arm for arm in material.arms if any(arm in one.values for one in shown)]),
        tag("h3", "Coverage against set size"),
        note("Means over seeds, small dots are seeds."),
        tag("div", *scatter, class_="grid-of"),
        tag("h3", "How large the sets are") if counted else None,
        tag("div", *counted, class_="grid-of"),
    ])  # fmt: skip
    return Section("conformal", "Conformal prediction", body, short="Conformal")


def _settings(material: Material) -> list[tuple[str, str]]:
    rows = material.metrics.get(("conformal", "coverage"), [])
    every = dict.fromkeys((row.keys["method"], row.keys["alpha"]) for row in rows)
    # A baseline that comes along by itself gives every class to every image: there is nothing to draw.
    card = material.registry.get("evaluation", "conformal")
    always = card.always if card else []
    return [one for one in every if one[0] not in always] or list(every)


def _scatter(material: Material, method: str, alpha: str, size: Column, coverage: Column) -> Markup:
    xs = [value for seeds in size.values.values() for value in seeds.values()]
    ys = [value for seeds in coverage.values.values() for value in seeds.values()]
    promised = 1 - float(alpha)
    low, high = padded([*ys, promised])
    plot = Plot(padded(xs), (low, min(high, 1.004)), x_label="mean set size (classes)", y_label="coverage")
    plot.rule(y=promised)
    told = []
    for arm in material.arms:
        both = size.values.get(arm, {}).keys() & coverage.values.get(arm, {}).keys()
        if not both:
            continue
        points = [(size.values[arm][seed], coverage.values[arm][seed]) for seed in sorted(both)]
        style, number = material.style(arm), material.number(arm)
        for seed, (x, y) in zip(sorted(both), points, strict=True):
            plot.dot(
                x, y, style, f"{arm}, seed {seed}: size {x:.2f}, coverage {y:.3f}", arm=number, r=2, class_="dot faint"
            )
        x, y = np.mean(points, axis=0).tolist()
        plot.dot(x, y, style, f"{arm}: size {x:.2f}, coverage {y:.3f}", arm=number, r=4.6)
        told.append(f"{arm} {y:.3f} at {x:.2f} classes")
    caption = [method, tag("span", f" · promised {promised:g}", class_="soft")]
    return figure(
        plot.draw(f"Coverage of {method} against set size, promised {promised:g}: {'; '.join(told)}"),
        caption,
        kind="conformal",
    )


def _sizes(material: Material, method: str, alpha: str) -> Markup | None:
    """The share of test images by the number of classes in their set, a line for each arm, all seeds pooled."""
    shares = {
        arm: share
        for arm in material.arms
        if (share := shares_of_sizes(material.all_figures(arm, "conformal"), method, alpha)) is not None
    }
    if not shares:
        return None
    return figure(
        sizes(method, alpha, shares, {arm: material.style(arm) for arm in shares}).draw(),
        [method, tag("span", f" · alpha {alpha}", class_="soft")],
        kind="set-size",
    )
