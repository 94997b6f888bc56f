"""The stage `claims`: the metrics of all trials in, a verdict on each claim out."""

from __future__ import annotations

from typing import Any

from assay.run.execute import Headline, Task
from assay.run.files import read_json, write_json
from assay.study.jobs import MADE


def verdicts(task: Task) -> Headline:
    """Write `verdicts.json`; the headline counts the verdicts."""
    from assay.claims.conditions import facts
    from assay.claims.job import decide

    tables: dict[tuple[str, int], list[dict[str, Any]]] = {}
    conditions = {}
    for role, folder in task.inputs.items():
        arm, seed, part = role.split("/", 2)
        if part == MADE:
            conditions[arm, int(seed)] = facts(read_json(folder / "run.json"), task.jobs[role].spec)
            continue
        tables.setdefault((arm, int(seed)), []).extend(read_json(folder / "metrics.json"))

    def values(arm: str, metric: str, keys: dict[str, str]) -> dict[int, float | None]:
        return {seed: _value(tables.get((arm, seed), []), metric, keys) for seed in task.job.spec["seeds"]}

    found = decide(task.job.spec, values, conditions)
    write_json(task.out / "verdicts.json", found)
    return {word: sum(v["verdict"] == word for v in found) for word in ("supported", "refuted", "inconclusive")}


def _value(rows: list[dict[str, Any]], metric: str, keys: dict[str, str]) -> float | None:
    for row in rows:
        if row["metric"] == metric and row["keys"] == keys:
            return row["value"]
    return None
