"""Reliability diagrams: how often predictions of a confidence are right, by arm and calibrator."""

from __future__ import annotations

from typing import Any

from assay.figures.reliability import diagram, learnt, looks_of, pooled
from assay.figures.svg import Style
from assay.report.compare import columns, comparison, keyed_table
from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import chip, series_legend
from assay.report.material import Material
from assay.report.page import Section


def section(material: Material) -> Section | None:
    """One diagram an arm, all seeds pooled, above a table of the calibration error by calibrator."""
    arms = {arm: found for arm in material.arms if (found := pooled(material.all_figures(arm, "calibration")))}
    if not arms:
        return None
    looks = looks_of(name for found in arms.values() for name in found)
    diagrams = [_figure(material, arm, found, looks) for arm, found in arms.items()]
    body = join([
        note(
            "Share of test images predicted rightly against the mean confidence of their bin, all seeds pooled. The "
            "area of a dot grows with the images in its bin; the bars below show how many there are before "
            "calibration. On the dashed line, confidence is honest. Strokes are 95% intervals of the accuracy "
            "(Wilson); seeds are judged on the same images, so each image counts once in them."
        ),
        series_legend(list(looks.items())),
        tag("div", *diagrams, class_="grid-of"),
        tag("h3", "Expected calibration error by calibrator"),
        keyed_table(material, "calibration", "ece", "calibration"),
        tag("h3", "Every calibration metric, before calibration"),
        comparison(material, columns(material, "calibration"), "Calibration by arm"),
    ])  # fmt: skip
    return Section("reliability", "Calibration", body)


def _figure(material: Material, arm: str, found: dict[str, dict[str, Any]], looks: dict[str, Style]) -> Markup:
    numbers = learnt(found)
    caption = [chip(material.style(arm)), arm, tag("span", f" · {numbers}" if numbers else "", class_="soft")]
    return figure(diagram(arm, found, looks).draw(), caption, kind="reliability")
