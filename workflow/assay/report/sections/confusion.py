"""Confusion: what each class is taken for, by arm, all seeds pooled."""

from __future__ import annotations

from assay.figures.confusion import matrix, pooled
from assay.report.html import Markup, figure, note, tag
from assay.report.legend import chip
from assay.report.material import Material
from assay.report.page import Section


def section(material: Material) -> Section | None:
    """One matrix an arm, on the test split (on the first split judged when test was not)."""
    drawn = [made for arm in material.arms if (made := _figure(material, arm)) is not None]
    if not drawn:
        return None
    explained = note(
        "Rows are true classes and columns predictions; a cell holds the share of the row's images in percent. "
        "All seeds pooled. A good model is dark on the diagonal alone."
    )
    return Section("confusion", "Confusion", tag("div", explained, tag("div", *drawn, class_="grid-of")))


def _figure(material: Material, arm: str) -> Markup | None:
    found = pooled(material.all_figures(arm, "accuracy"))
    if found is None:
        return None
    caption = [chip(material.style(arm)), arm, tag("span", f" · {found.split}", class_="soft")]
    return figure(matrix(arm, found).draw(), caption, kind="confusion")
