"""What the planner makes of splits and alterations: folds by seed, files by content, shapes by who gave them last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from assay.run.prepare import files_named
from assay.study.jobs import Job, Plan

Planned = Callable[..., Plan]
COLOUR = {"method": "colour", "correlation": 0.9}


def _job(plan: Plan, record: str) -> Job:
    return plan.jobs[plan.records[record].jobs[0]]


def test_seeds_choose_among_the_folds_of_one_permutation(planned: Planned, config: dict[str, Any]) -> None:
    config["seeds"] = 5
    config["vary"] = ["init", "split"]
    config["datasets"]["digits"]["split"] = {"val": 0.1, "folds": 3}
    plan = planned(config)
    jobs = [_job(plan, f"datasets/digits/seed-{seed}") for seed in range(5)]
    assert [job.spec["split"]["fold"] for job in jobs] == [0, 1, 2, 0, 1]
    assert {job.spec["streams"]["split"] for job in jobs} == {0}
    assert jobs[0] is jobs[3]
    trained = [_job(plan, f"baseline/seed-{seed}/train") for seed in (0, 3)]
    assert trained[0].inputs["dataset"] == trained[1].inputs["dataset"]
    assert trained[0].digest != trained[1].digest


def test_without_split_under_vary_the_fold_is_the_one_named(planned: Planned, config: dict[str, Any]) -> None:
    config["datasets"]["digits"]["split"] = {"folds": 4, "fold": 2}
    assert _job(planned(config), "datasets/digits").spec["split"]["fold"] == 2
    del config["datasets"]["digits"]["split"]["fold"]
    assert _job(planned(config), "datasets/digits").spec["split"]["fold"] == 0


def test_files_of_labels_and_groups_are_part_of_the_plan(planned: Planned, config: dict[str, Any]) -> None:
    np.savez("human.npz", worse_label=np.zeros(3, int))
    Path("groups.csv").write_text("id,group\n")
    noise = {"method": "from-file", "path": "human.npz", "classes": [str(k) for k in range(10)]}
    config["datasets"]["rare"] |= {"label-noise": noise, "groups": {"path": "groups.csv"}}
    first = planned(config)
    assert {"human.npz", "groups.csv"} <= files_named(first.study)
    Path("groups.csv").write_text("id,group\na,b\n")
    second = planned(config)
    np.savez("human.npz", worse_label=np.ones(3, int))
    third = planned(config)
    assert len({_job(plan, "datasets/rare").digest for plan in (first, second, third)}) == 3
    assert len({_job(plan, "datasets/digits").digest for plan in (first, second, third)}) == 1


def test_labels_from_a_file_do_not_vary_by_seed(planned: Planned, config: dict[str, Any]) -> None:
    np.save("human.npy", np.zeros(3, int))
    config["vary"] = ["init", "alteration"]
    noise = {"method": "from-file", "path": "human.npy", "classes": ["0"]}
    config["datasets"]["rare"] = {"from": "digits", "label-noise": noise}
    assert "datasets/rare" in planned(config).records
    config["datasets"]["rare"] |= {"labels": 20}
    assert "datasets/rare/seed-1" in planned(config).records


def test_a_job_names_every_method_that_it_calls(planned: Planned, config: dict[str, Any]) -> None:
    config["datasets"]["rare"] |= {
        "confounder": COLOUR,
        "shift": {"method": "prior-dirichlet"},
        "label-noise": {"method": "symmetric", "rate": 0.1},
        "poison": {"method": "trigger-patch", "target": "0"},
    }
    job = _job(planned(config), "datasets/rare")
    assert {(row[0], row[1]) for row in job.methods} == {
        ("imbalance", "exponential"), ("confounder", "colour"), ("shift", "prior-dirichlet"),
        ("label-noise", "symmetric"), ("poison", "trigger-patch"),
    }  # fmt: skip
    assert "assay.data.poison.trigger_patch" in job.code
    assert "assay.data.shift.prior" not in job.code
    assert job.label.startswith("digits-exponential10-colour0.9-prior-dirichlet1-symmetric0.1-")


def test_outliers_have_the_shape_of_what_the_arm_learns_from(planned: Planned, config: dict[str, Any]) -> None:
    config["datasets"]["rare"]["confounder"] = COLOUR
    config["datasets"]["few"] = {"from": "rare", "labels": 50}
    config["arms"]["baseline"]["dataset"] = "few"
    config["arms"]["plain"] = {"extends": "baseline", "dataset": "digits"}
    config["evaluate"] = {"ood": {"far": ["noise"]}}
    plan = planned(config)
    shapers = {
        arm: plan.jobs[_outlier(plan, arm).inputs["like"]].label.split("-s0")[0] for arm in ("baseline", "plain")
    }
    assert shapers == {"baseline": "digits-exponential10-colour0.9", "plain": "digits"}


def _outlier(plan: Plan, arm: str) -> Job:
    record = plan.records[f"{arm}/seed-0/predict"]
    job = next(plan.jobs[digest] for digest, part in zip(record.jobs, record.parts, strict=True) if part == "noise")
    return plan.jobs[job.inputs["dataset"]]


def test_a_smoke_run_takes_what_there_is(planned: Planned, config: dict[str, Any]) -> None:
    config["datasets"]["rare"]["labels"] = 4000
    plan = planned(config, scale="smoke")
    assert _job(plan, "datasets/rare").spec["most"] is True
    assert "most" not in _job(plan, "datasets/digits").spec
    assert "most" not in _job(planned(config), "datasets/rare").spec
