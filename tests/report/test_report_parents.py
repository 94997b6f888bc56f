"""Children beside their parents, against differences worked out by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from assay.report.compare import Column
from assay.report.material import Material
from assay.report.sections import parents
from assay.run.results import Results
from assay.study.registry import Metric, Registry


@pytest.fixture
def material(study_folder: Path, registry: Registry) -> Material:
    return Material(Results(study_folder), registry)


def shown(better: str, before: list[float], after: list[float], name: str = "m") -> str:
    values = {"parent": dict(enumerate(before)), "child": dict(enumerate(after))}
    column = Column(name, {}, Metric("", better, 0.0, 1.0), values)
    return re.sub("<[^>]*>", "", str(parents.difference(column, "parent", "child")))


def test_differences_are_paired_by_seed() -> None:
    # Differences -0.1, -0.2, -0.3: mean -0.2, t(0.975, 2) = 4.3027 times 0.1 / sqrt(3) is 0.248, which holds 0.
    assert shown("higher", [0.5, 0.9, 0.7], [0.4, 0.7, 0.4]) == "−0.200 ± 0.248"
    # -0.19, -0.20, -0.21: 0.025, and the parent is better by an accuracy, worse by an error.
    assert shown("higher", [0.5, 0.9, 0.7], [0.31, 0.70, 0.49]) == "−0.200 ± 0.025 ▼"
    assert shown("lower", [0.5, 0.9, 0.7], [0.31, 0.70, 0.49]) == "−0.200 ± 0.025 ▲"
    assert shown("", [0.5, 0.9, 0.7], [0.31, 0.70, 0.49]) == "−0.200 ± 0.025"
    assert shown("higher", [0.5], [0.6]) == "+0.100"


def test_only_seeds_that_both_have_are_compared() -> None:
    values = {"parent": {0: 0.5, 1: 0.6}, "child": {1: 0.5, 2: 0.0}}
    column = Column("m", {}, Metric("", "higher", 0.0, 1.0), values)
    assert "−0.1" in str(parents.difference(column, "parent", "child"))
    column.values["child"].pop(1)
    assert parents.difference(column, "parent", "child") is None


def test_costs_are_factors() -> None:
    assert shown("lower", [100.0, 100.0], [25.0, 25.0], "disk-bytes") == "× 0.25"


def test_students_stand_below_their_teacher_and_what_is_compressed_below_the_whole(material: Material) -> None:
    found = list(parents.families(material))
    assert found == [("Teacher", "baseline", ["student"]), ("Uncompressed", "baseline", ["pruned"])]


def test_a_network_that_was_never_trained_is_no_parent(material: Material) -> None:
    material.study["arms"]["student"]["distill"]["teacher"]["untrained"] = True
    assert [word for word, _, _ in parents.families(material)] == ["Uncompressed"]
    material.study["arms"]["student"]["distill"]["teacher"]["untrained"] = False


def test_every_family_of_metrics_is_compared(material: Material) -> None:
    section = parents.section(material)
    assert section is not None
    body = str(section.body)
    first = body[: body.index("</table>")]
    for name in ("accuracy", "recall", "ece", "auroc", "disk-bytes", "latency"):
        assert f">{name}" in first.replace('<button type="button"><span>', ">"), name
    for outliers in ("near", "far", "noise", "glyphs"):
        assert outliers in first
    assert "× " in first
    assert "student" in first
    assert "pruned" in body[len(first) :]
