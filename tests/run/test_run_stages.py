"""What stages make of the folders they are given."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from assay.run.execute import execute
from assay.run.files import read_json, write_json
from assay.run.layout import Layout
from assay.run.plans import Plans
from assay.run.store import Store
from assay.study.jobs import Job, Plan

#: What the runs of a model are told to have taken: its training, and each of two compressions.
SPENT = [(10.0, 300), (2.0, 700), (0.5, 500)]


@pytest.fixture
def spent(
    planned: Callable[..., Plan], config: dict[str, Any], layout: Layout, store: Store
) -> Callable[[], tuple[float | None, float | None]]:
    """`spent()`: seconds and memory that the evaluation of `baseline` tells, once all before it ran."""

    def run() -> tuple[float | None, float | None]:
        config["evaluate"] = {"cost": {"batches": [1], "repeats": 1}}
        plan = planned(config)
        Plans(layout).save(plan)
        jobs: dict[str, list[Job]] = {
            path.rpartition("/")[2]: [plan.jobs[digest] for digest in plan.records[path].jobs]
            for path in plan.records
            if path.startswith(("datasets/", "baseline/seed-0/"))
        }
        for name in ("digits", "rare"):
            execute(jobs[name][0], layout)
        for job, (seconds, memory) in zip([*jobs["train"], *jobs.get("compress", [])], SPENT, strict=False):
            assert execute(job, layout).status == "done"
            file = store.place(job) / "run.json"
            write_json(file, {**read_json(file), "seconds": seconds, "peak_memory_bytes": memory})
        (evaluation,) = jobs["cost"]
        assert execute(evaluation, layout).status == "done"
        rows = json.loads((store.place(evaluation) / "metrics.json").read_text())
        found = {row["metric"]: row["value"] for row in rows}
        return found["train-seconds"], found["peak-memory"]

    return run


@pytest.mark.parametrize(("compressions", "seconds", "memory"), [(0, 10.0, 300), (1, 12.0, 700), (2, 12.5, 700)])
def test_the_cost_of_a_model_is_that_of_its_training_and_all_its_compressions(
    spent: Callable[[], tuple[float, float]], config: dict[str, Any], compressions: int, seconds: float, memory: int
) -> None:
    levels = [{"method": "magnitude", "sparsity": sparsity, "finetune-epochs": 0} for sparsity in (0.5, 0.75)]
    config["arms"]["baseline"]["compress"] = levels[:compressions]
    assert spent() == (seconds, memory)
