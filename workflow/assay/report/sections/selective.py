"""Selective prediction: what is left to err on when the least confident images go to a person."""

from __future__ import annotations

from assay.figures.selective import curve, curves_of
from assay.report.compare import columns, comparison, keyed_table
from assay.report.html import figure, join, note, tag
from assay.report.legend import arms_legend
from assay.report.material import Material
from assay.report.page import Section


def section(material: Material) -> Section | None:
    """A table, then risk against coverage, a figure for each rule with a line for each arm."""
    shown = columns(material, "selective")
    if not shown:
        return None
    found = {arm: curves_of(material.all_figures(arm, "selective")) for arm in material.arms}
    rules = dict.fromkeys(rule for curves in found.values() for rule in curves if rule != "best")
    drawn = []
    for rule in rules:
        risks = {arm: curves[rule] for arm, curves in found.items() if rule in curves}
        looks = {arm: material.style(arm) for arm in risks}
        drawn.append(figure(curve(rule, risks, looks, None).draw(), [rule], kind="selective"))
    body = join([
        note(
            "The least confident predictions are handed to a person. A curve that stays low until far to the right "
            "hands on few images that were right; at the right end it is the error of the model itself."
        ),
        comparison(material, shown, "Selective prediction by arm"),
        tag("details", tag("summary", "Area under risk and coverage by rule"),
            keyed_table(material, "selective", "aurc", "rule")),
        arms_legend(material, [arm for arm, curves in found.items() if curves]),
        tag("h3", "Risk against coverage"),
        note("Means over seeds."),
        tag("div", *drawn, class_="grid-of"),
    ])  # fmt: skip
    return Section("selective", "Selective prediction", body, short="Selective")
