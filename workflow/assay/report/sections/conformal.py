"""Conformal prediction: coverage against the promise, and the size of the sets that it takes."""

from __future__ import annotations

import numpy as np

from assay.report.compare import Column, column, columns, comparison, keyed_table
from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import arms_legend
from assay.report.material import Material
from assay.report.page import Section
from assay.report.svg import Plot, padded


def section(material: Material) -> Section | None:
    """A table, then coverage against set size and the sizes of sets, a figure each for each method and alpha."""
    shown = columns(material, "conformal")
    if not shown:
        return None
    scatter, sizes = [], []
    for method, alpha in _settings(material):
        pair = [
            column(material, "conformal", name, {"method": method, "alpha": alpha}) for name in ("set-size", "coverage")
        ]
        if pair[0] and pair[1]:
            scatter.append(_scatter(material, method, alpha, pair[0], pair[1]))
        drawn = _sizes(material, method, alpha)
        if drawn is not None:
            sizes.append(drawn)
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
        tag("h3", "How large the sets are") if sizes else None,
        tag("div", *sizes, class_="grid-of"),
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
    shares: dict[str, np.ndarray] = {}
    for arm in material.arms:
        total: np.ndarray | None = None
        for seed in material.seeds:
            for part in material.figures(arm, seed, "conformal").values():
                drawn = part.get("methods", {}).get(method, {}).get(alpha)
                if drawn:
                    counts = np.array(drawn["size"], float)
                    total = counts if total is None else total + counts
        if total is not None and total.any():
            shares[arm] = total / total.sum()
    if not shares:
        return None
    # Beyond the largest set that any arm gives there is nothing to see.
    most = max(int(np.flatnonzero(share > 0.0005).max()) for share in shares.values()) + 1
    highest = max(float(share.max()) for share in shares.values())
    plot = Plot(
        (0.0, max(most, 2)),
        (0.0, padded([0.0, highest])[1]),
        size=(300, 200),
        x_label="classes in the set",
        y_label="share of images",
    )
    for arm, share in shares.items():
        style, number = material.style(arm), material.number(arm)
        kept = share[: most + 1].tolist()
        plot.line(list(range(len(kept))), kept, style, arm=number)
        for at, value in enumerate(kept):
            plot.dot(at, value, style, f"{arm}: {100 * value:.1f}% of images get {at} classes", arm=number, r=2.6)
    told = "; ".join(f"{arm} {100 * share[1]:.0f}%" for arm, share in shares.items())
    return figure(
        plot.draw(f"Sizes of the sets of {method} at alpha {alpha}; one class: {told}"),
        [method, tag("span", f" · alpha {alpha}", class_="soft")],
        kind="set-size",
    )
