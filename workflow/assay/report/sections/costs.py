"""What the study cost, by stage and by arm."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from assay.figures.numbers import duration, memory
from assay.report.html import join, note, tag
from assay.report.legend import named
from assay.report.material import Material
from assay.report.page import Section
from assay.report.tables import Head, cell, row_head, table
from assay.study.jobs import STAGES

_HEADS = [Head("Wall time", True), Head("CPU time", True), Head("Peak memory", True), Head("Jobs", True)]


def section(material: Material) -> Section | None:
    """Totals over the jobs that the study names, computed in this run or found in the store."""
    jobs = material.results.plan["jobs"]
    by_stage: dict[str, list[dict[str, Any]]] = defaultdict(list)
    by_arm: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for digest, run in material.runs.items():
        by_stage[jobs[digest]["stage"]].append(run)
        for arm in material.users[digest]:
            by_arm[arm].append(run)
    if not by_stage:
        return None
    everything = list(material.runs.values())
    stages = table(
        [Head("Stage"), *_HEADS],
        [
            [row_head(stage), *_sums(runs)]
            for stage, runs in sorted(by_stage.items(), key=lambda one: list(STAGES).index(one[0]))
        ],
        label="Cost by stage",
        foot=[row_head("all"), *_sums(everything)],
    )
    arms = table(
        [Head("Arm"), *_HEADS],
        [[row_head(named(material, arm), arm), *_sums(by_arm[arm])] for arm in material.arms if by_arm[arm]],
        label="Cost by arm",
    )
    return Section(
        "cost-totals",
        "Cost of the study",
        join([
            note("Jobs run side by side, so the wall times add up to more than one waits."),
            tag("h3", "By stage"), stages,
            tag("h3", "By arm"),
            note("From training on, summed over seeds; a job that two arms share counts for each of them."), arms,
        ]),
        short="Cost of the study",
    )  # fmt: skip


def _sums(runs: list[dict[str, Any]]) -> list[Any]:
    def total(key: str) -> float:
        return sum(run.get(key) or 0.0 for run in runs)

    peak = max((run.get("peak_memory_bytes") or 0 for run in runs), default=0)
    return [
        cell(duration(total("seconds")), total("seconds"), number=True),
        cell(duration(total("cpu_seconds")), total("cpu_seconds"), number=True),
        cell(memory(peak), peak, number=True),
        cell(f"{len(runs):,}", len(runs), number=True),
    ]
