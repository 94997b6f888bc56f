"""Corruption: what is left of accuracy and calibration, and what adapting to it brings."""

from __future__ import annotations

from typing import Any

from assay.figures.corruption import Line, against_severity, lines_of
from assay.report.compare import columns, comparison, keyed_table, options_of
from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import arms_legend
from assay.report.material import Material
from assay.report.page import Section


def section(material: Material) -> Section | None:
    """A table, a figure for each corruption, and what test-time adaptation gains and forgets."""
    shown = columns(material, "corruption-summary")
    lines = _lines(material)
    adapted = _adaptation(material)
    if not shown and not lines and not adapted:
        return None
    parts: list[Any] = [
        note(
            "Corruptions of Hendrycks & Dietterich with the strengths of CIFAR-10-C, alike in every arm and seed; "
            "severity 0 is the image as it is. Lines are means over seeds, bands their range."
        ),
        comparison(material, shown, "Corruption by arm") if shown else None,
        tag(
            "details", tag("summary", "Accuracy by corruption"),
            keyed_table(material, "corruption", "corrupted-accuracy", "corruption"),
        ),
        arms_legend(material, [arm for arm in material.arms if any(arm in one for one in lines.values())]),
        tag(
            "div",
            *(
                figure(
                    against_severity(name, arms, {arm: material.style(arm) for arm in arms}).draw(),
                    name, kind="severity",
                )
                for name, arms in lines.items()
            ),
            class_="grid-of",
        ),
        *adapted,
    ]  # fmt: skip
    return Section("corruption", "Corruption", join(parts))


def _lines(material: Material) -> dict[str, dict[str, list[Line]]]:
    """Corruption -> arm -> a line for each seed."""
    found: dict[str, dict[str, list[Line]]] = {}
    for arm in material.arms:
        for seed in material.seeds:
            for name, line in lines_of(material.figures(arm, seed, "corruption").values()).items():
                found.setdefault(name, {}).setdefault(arm, []).append(line)
    return found


def _adaptation(material: Material) -> list[Markup | None]:
    """Tables of what each way to adapt gains and forgets, for each corruption and severity."""
    made: list[Markup | None] = []
    for corruption in options_of(material, "adaptation", "adaptation-gain", "corruption"):
        for severity in options_of(material, "adaptation", "adaptation-gain", "severity"):
            fixed = {"corruption": corruption, "severity": severity}
            made.append(tag("h4", f"{corruption}, severity {severity}"))
            made += [
                keyed_table(material, "adaptation", name, "adaptation", **fixed)
                for name in ("adaptation-gain", "forgetting")
            ]
    heading = [
        tag("h3", "Test-time adaptation"),
        note(
            "Gain: accuracy on the corrupted images less that without adapting. Forgetting: what is lost on clean ones."
        ),
    ]
    return [*heading, *made] if made else []
