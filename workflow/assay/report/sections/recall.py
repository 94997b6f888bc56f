"""Recall of each class beside how many images of it training had."""

from __future__ import annotations

from typing import Any

from assay.figures.recall import Recalls, recalls_of, rows
from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import arms_legend
from assay.report.material import Material
from assay.report.page import Section


def section(material: Material) -> Section | None:
    """One figure for each set of train counts, so that arms are shown together where they trained on equal data."""
    groups: dict[tuple[Any, ...], dict[str, Recalls]] = {}
    for arm in material.arms:
        found = recalls_of(material.all_figures(arm, "accuracy"))
        if found:
            groups.setdefault((found.split, found.classes, found.counts), {})[arm] = found
    if not groups:
        return None
    parts: list[Markup] = [
        note(
            "Mean over seeds, with the range from the lowest seed to the highest. Classes are in order of their train "
            "images, before any rebalancing or synthesis; the grey bars show how many those are."
        ),
        arms_legend(material, [arm for arm in material.arms if any(arm in group for group in groups.values())]),
        *(_figure(material, arms) for arms in groups.values()),
    ]
    return Section("recall", "Recall by class", join(parts), short="Recall")


def _figure(material: Material, arms: dict[str, Recalls]) -> Markup:
    datasets = dict.fromkeys(material.study["arms"][arm]["dataset"] for arm in arms)
    caption = [", ".join(datasets), tag("span", " · at the right: train images", class_="soft")]
    return figure(rows(arms, {arm: material.style(arm) for arm in arms}).draw(), caption, kind="recall")
