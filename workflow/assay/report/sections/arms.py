"""Arms by headline metrics, and every metric there is in a table to search."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from assay.claims.tree import metrics_in
from assay.figures.numbers import MISSING, plain, short
from assay.report.compare import Column, column, columns, comparison, written
from assay.report.html import Markup, join, note, tag
from assay.report.legend import named
from assay.report.material import Material, Measured
from assay.report.page import Section
from assay.report.paper.files import TABLES, names
from assay.report.tables import Head, cell, row_head, table
from assay.statistics.interval import ENOUGH, interval

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
            _told(material), " Under each: every seed as a dot, the interval as a bar. A click on a head sorts."
        ),
        note(f"{told}{views}.") if views else None,
        comparison(material, overview(material), "Arms by headline metrics", explained=True),
        _for_papers(material),
        tag("details", tag("summary", "All metrics"), _everything(material)),
    ])  # fmt: skip
    return Section("arms", "Arms", body)


def _told(material: Material) -> str:
    if len(material.seeds) < ENOUGH:
        return "Mean ± half of the 95% t interval over seeds."
    return f"Mean over seeds with its 95% interval: the BCa bootstrap's from {ENOUGH} seeds on, else ± half of t's."


def _for_papers(material: Material) -> Markup:
    """Links to the tables that lie beside the page."""
    files = [name for name in names(material) if name.startswith(f"{TABLES}/")]
    links = ([" ", tag("a", name.removeprefix(f"{TABLES}/"), href=name)] for name in files)
    return note("Tables for a paper:", *links)


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
    heads = [Head(words) for words in ("Arm", "Metric", "Setting")]
    heads += [Head(words, number=True) for words in ("Mean", "Low", "High", "Seeds")]
    more = note(f"The first {MOST:,} of {len(rows):,} rows; assay.load(…).metrics() holds them all.")
    shown = table([*heads, Head("Note")], rows[:MOST], label="All metrics", name="metrics", tall=True)
    return join([shown, more if len(rows) > MOST else None])


def _row(
    material: Material, arm: str, name: str, setting: str, found: list[Measured], write: Callable[[float | None], str]
) -> list[Markup]:
    values = [one.value for one in found if one.value is not None]
    mean = interval(values)
    why = next((one.note for one in found if one.note), "") if mean is None else ""
    return [
        row_head(named(material, arm), arm),
        cell(name),
        cell(setting),
        cell(write(mean.mean) if mean else MISSING, mean and f"{mean.mean:.6g}", number=True),
        *(
            cell("" if end is None else write(end), None if end is None else f"{end:.6g}", number=True)
            for end in (mean[1:3] if mean else (None, None))
        ),
        cell(str(len(values)), len(values), number=True),
        cell(why),
    ]
