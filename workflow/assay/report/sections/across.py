"""Methods over datasets: interquartile means, ranks, and performance profiles."""

from __future__ import annotations

import numpy as np

from assay.figures.numbers import plain
from assay.figures.svg import Plot, Style, padded
from assay.report.across import Across, across
from assay.report.compare import column
from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import series_legend
from assay.report.material import Material
from assay.report.page import Section
from assay.report.tables import Head, cell, row_head, table
from assay.statistics.many import iqm, iqm_interval, profile
from assay.statistics.ranking import Ranking, cliques, ranking

#: Bounds at which a profile is drawn.
_STEPS = 101


def section(material: Material) -> Section | None:
    """For studies that sweep two arms or more over the same three datasets or more; None for others."""
    accuracy = column(material, "accuracy", "accuracy", {})
    found = across(material, accuracy) if accuracy else None
    if found is None:
        return None
    ranked = ranking(found.scores.mean(axis=2).T)
    body = join([
        note(
            f"Accuracy on {', '.join(found.datasets)}. The interquartile mean is that of the middle half of all runs; "
            "its 95% interval resamples seeds within each dataset, so it tells of other seeds and not of other "
            "datasets (Agarwal et al. 2021)."
        ),
        note(f"Left out, since a method lacks a seed there: {', '.join(found.left_out)}.") if found.left_out else None,
        _table(found, ranked),
        tag("p", told(found.methods, ranked)),
        series_legend([(name, Style(number)) for number, name in enumerate(found.methods)]),
        _profiles(found),
    ])  # fmt: skip
    return Section("across", "Across datasets", body, short="Datasets together")


def told(methods: list[str], ranked: Ranking) -> str:
    """What the ranks bear: the test over all methods, and which of them no test tells apart."""
    friedman = "" if ranked.p is None else f"Friedman's test that all methods are alike: p = {plain(ranked.p, 4)}. "
    groups = ["{" + ", ".join(methods[place] for place in group) + "}" for group in
              cliques(ranked.ranks, ranked.critical)]  # fmt: skip
    apart = f"Not told apart: {'; '.join(groups)}." if groups else "All methods are told apart."
    critical = f"Mean ranks that differ by more than {plain(ranked.critical, 2)} are told apart (Nemenyi, α = 0.05). "
    return friedman + critical + apart


def _table(found: Across, ranked: Ranking) -> Markup:
    rows = []
    for number in np.argsort(ranked.ranks, kind="stable"):
        scores = found.scores[number]
        middle, ends = iqm(scores), iqm_interval(scores)
        between = f" [{plain(ends[0], 3)}, {plain(ends[1], 3)}]" if ends else ""
        rows.append([
            row_head(found.methods[number]),
            cell(plain(middle, 3) + between, f"{middle:.6g}", number=True),
            cell(plain(float(ranked.ranks[number]), 2), f"{ranked.ranks[number]:.6g}", number=True),
        ])  # fmt: skip
    heads = [Head("Method"), Head("Interquartile mean", number=True), Head("Mean rank", number=True)]
    return table(heads, rows, label="Methods over datasets")


def _profiles(found: Across) -> Markup:
    low, high = padded(list(found.scores.ravel()))
    bounds = np.linspace(low, high, _STEPS)
    plot = Plot((low, high), (0.0, 1.0), x_label="accuracy τ", y_label="share of runs above τ")
    for number, scores in enumerate(found.scores):
        plot.line(bounds, profile(scores, bounds), Style(number))
    words = "; ".join(
        f"{name}: half of its runs above {np.median(scores):.3f}"
        for name, scores in zip(found.methods, found.scores, strict=True)
    )
    return figure(plot.draw(f"Performance profiles. {words}"), "Performance profiles", kind="profiles")
