"""Tuning: the points that each searched arm tried on validation, and the one that its trials then used."""

from __future__ import annotations

from typing import Any

from assay.figures.numbers import plural, short
from assay.report.html import Markup, join, note, tag
from assay.report.legend import named
from assay.report.material import Material
from assay.report.page import Section
from assay.report.tables import Head, cell, row_head, table
from assay.run.files import read_json


def section(material: Material) -> Section | None:
    """A table for each arm that searched; None when none did."""
    searched = [arm for arm in material.arms if material.study["arms"][arm]["search"]]
    if not searched:
        return None
    by = {arm: material.study["arms"][arm]["search"]["by"] for arm in searched}
    parts: list[Markup | None] = [
        note("Every point was trained once, under streams of its own, and judged on the validation split alone.")
        if set(by.values()) != {"diswot"}
        else None,
        note(
            "By diswot, networks were compared with that of the teacher as they were drawn, and none was trained; 0 "
            "would be a network that sees classes and images just as the teacher's does."
        )
        if "diswot" in by.values()
        else None,
    ]
    for arm in searched:
        points = material.study["arms"][arm]["search"]["points"]
        budget = tag("span", f" · {plural(len(points), 'point')}", class_="soft")
        parts += [tag("h3", named(material, arm), budget), _points(points, _choice(material, arm), arm)]
    return Section("tuning", "Tuning", join(parts))


def _choice(material: Material, arm: str) -> dict[str, Any]:
    """`choice.json` of an arm's search; empty when it has not run."""
    record = material.results.plan["records"].get(f"{arm}/search")
    folder = material.results.folder_of(record["jobs"][0]) if record else None
    return (read_json(folder / "choice.json") if folder else None) or {}


def _points(points: list[dict[str, Any]], choice: dict[str, Any], arm: str) -> Markup:
    paths = list(dict.fromkeys(path for point in points for path in point))
    scores = choice.get("scores", [None] * len(points))
    rows = []
    for number, (point, score) in enumerate(zip(points, scores, strict=True)):
        values = [
            cell(str(point.get(path, "")), point[path] if isinstance(point.get(path), int | float) else None)
            for path in paths
        ]
        chosen = tag("strong", "chosen") if number == choice.get("index") else ""
        rows.append([row_head(str(number)), *values, cell(short(score), score, number=True), cell(chosen)])
    heads = [Head("Point"), *(Head(path) for path in paths), Head(_judged(choice.get("by", "")), True), Head("")]
    return table(heads, rows, label=f"Points that {arm} tried", tall=len(rows) > 12)


def _judged(by: str) -> str:
    return by if by == "diswot" else f"val {by}"
