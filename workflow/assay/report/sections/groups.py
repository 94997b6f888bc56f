"""Groups: the accuracy of each, and how far the worst lies below the mean; back doors beside them."""

from __future__ import annotations

from typing import Any

from assay.figures.groups import Groups, groups_of, rows
from assay.report.compare import columns, comparison
from assay.report.html import figure, join, note, tag
from assay.report.legend import arms_legend
from assay.report.material import Material
from assay.report.page import Section


def section(material: Material) -> Section | None:
    """A table, and one figure for each set of groups, so that arms are shown together where they share them."""
    shown, doors = columns(material, "groups"), columns(material, "backdoor")
    sets: dict[tuple[str, ...], dict[str, Groups]] = {}
    for arm in material.arms:
        found = groups_of(material.all_figures(arm, "groups"))
        if found:
            sets.setdefault((found.split, *sorted(found.values)), {})[arm] = found
    if not shown and not sets and not doors:
        return None
    parts: list[Any] = [comparison(material, shown, "Groups by arm") if shown else None]
    if sets:
        parts += [
            note(
                "Mean over seeds with the range from the lowest seed to the highest; the vertical line is the accuracy "
                "on all images. The worst groups of the first arm stand on top."
            ),
            arms_legend(material, [arm for arm in material.arms if any(arm in one for one in sets.values())]),
        ]
        for arms in sets.values():
            datasets = dict.fromkeys(material.study["arms"][arm]["dataset"] for arm in arms)
            looks = {arm: material.style(arm) for arm in arms}
            parts.append(figure(rows(arms, looks).draw(), ", ".join(datasets), kind="groups"))
    if doors:
        parts += [tag("h3", "Back doors"), comparison(material, doors, "Back doors by arm")]
    return Section("groups", "Groups", join(parts))
