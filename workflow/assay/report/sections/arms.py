"""Arms by headline metrics, and every metric there is in a table to search."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from assay.claims.interval import mean_interval
from assay.claims.tree import metrics_in
from assay.figures.numbers import MISSING, plain, short
from assay.report.compare import Column, column, columns, comparison, written
from assay.report.html import Markup, join, note, tag
from assay.report.legend import named
from assay.report.material import Material, Measured
from assay.report.page import Section
from assay.report.tables import Head, cell, row_head, table

#: Rows of the table of all metrics; a larger study is read with `assay.load`.
MOST = 4000


def section(material: Material) -> Section | None:
    """The overview first; None when nothing was evaluated."""
    if not material.metrics:
        return None
    views = ", ".join(
        f"{name} ({arm['tta']})" for name, arm in material.study["arms"].items() if arm.get("tta", "none") != "none"
    )
    told = "Means over several views of each image (`tta`), while costs are of one view: "
    body = join([
        note(
            "Mean ± half of the 95% t interval over seeds. Under each: every seed as a dot, the interval as a bar. "
            "A click on a head sorts."
        ),
        note(f"{told}{views}.") if views else None,
        comparison(material, overview(material), "Arms by headline metrics", explained=True),
        tag("details", tag("summary", "All metrics"), _everything(material)),
    ])  # fmt: skip
    return Section("arms", "Arms", body)


def overview(material: Material) -> list[Column]:
    """The leading metric of each family, recall of the rarest class, and whatever the claims are about."""
    shown: dict[tuple[str, str], Column] = {}
    wanted = [leaf for claim in material.study["claims"] for leaf in metrics_in(claim["tree"])]
    for family in material.study["evaluate"]:
        leading = columns(material, family)
        card = material.registry.get("evaluation", family)
        claimed = {
            (leaf["metric"], written(leaf["keys"])): column(material, family, leaf["metric"], leaf["keys"])
            for leaf in wanted
            if card and leaf["metric"] in card.metrics
        }
        picked = leading[:1] + [
            one for one in leading if (family, one.name) in (("accuracy", "balanced-accuracy"), ("accuracy", "recall"))
        ]
        for one in [*picked, *(one for one in claimed.values() if one is not None)]:
            shown.setdefault((one.name, written(one.keys)), one)
    return list(shown.values())


def _everything(material: Material) -> Markup:
    rows = []
    for (family, name), every in material.metrics.items():
        groups: dict[tuple[str, str], list[Measured]] = {}
        for one in every:
            groups.setdefault((one.arm, written(one.keys)), []).append(one)
        write = partial(plain, decimals=4) if material.metric(family, name).high is not None else short
        rows += [_row(material, arm, name, setting, found, write) for (arm, setting), found in groups.items()]
    heads = [Head("Arm"), Head("Metric"), Head("Setting"), Head("Mean", True), Head("±", True), Head("Seeds", True)]
    more = note(f"The first {MOST:,} of {len(rows):,} rows; assay.load(…).metrics() holds them all.")
    shown = table([*heads, Head("Note")], rows[:MOST], label="All metrics", name="metrics", tall=True)
    return join([shown, more if len(rows) > MOST else None])


def _row(
    material: Material, arm: str, name: str, setting: str, found: list[Measured], write: Callable[[float | None], str]
) -> list[Markup]:
    values = [one.value for one in found if one.value is not None]
    interval = mean_interval(values)
    half = None if interval is None or interval.high is None else interval.high - interval.mean
    why = next((one.note for one in found if one.note), "") if interval is None else ""
    return [
        row_head(named(material, arm), arm),
        cell(name),
        cell(setting),
        cell(write(interval.mean) if interval else MISSING, interval and f"{interval.mean:.6g}", number=True),
        cell("" if half is None else write(half), half and f"{half:.6g}", number=True),
        cell(str(len(values)), len(values), number=True),
        cell(why),
    ]
