"""What the planner makes of generators: nodes of their own, and only those that a config asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from assay.study.jobs import Job, Plan

Planned = Callable[..., Plan]


@pytest.fixture
def diffusion(config: dict[str, Any]) -> dict[str, Any]:
    """A config whose arm `filled` is filled up by a diffusion model."""
    config["generators"] = {"ddpm": {"method": "ddpm", "dataset": "rare"}}
    config["arms"] = {
        "baseline": config["arms"]["baseline"],
        "filled": {"extends": "baseline", "synthetic": {"generator": "ddpm", "balance": True}},
    }
    return config | {"claims": []}


def _job(plan: Plan, record: str) -> Job:
    return plan.jobs[plan.records[record].jobs[0]]


def test_halves_are_nodes_that_only_the_synthetic_sets_of_their_generator_read(
    planned: Planned, diffusion: dict[str, Any]
) -> None:
    before = planned(diffusion)
    assert [path for path in before.records if path.startswith("generators/")] == ["generators/ddpm/seed-0"]
    diffusion["generators"]["ddpm"]["halves"] = True
    after = planned(diffusion)
    whole = _job(after, "generators/ddpm/seed-0")
    assert whole.digest == _job(before, "generators/ddpm/seed-0").digest  # asking trains no generator anew
    halves = [_job(after, f"generators/ddpm/seed-0-half-{number}") for number in (0, 1)]
    assert len({whole.digest, *(half.digest for half in halves)}) == 3
    assert [half.spec["half"] for half in halves] == [0, 1]
    made = _job(after, "filled/seed-0/synthetic")
    assert [made.inputs[f"half/{number}"] for number in (0, 1)] == [half.digest for half in halves]
    assert made.inputs["learnt"] == whole.inputs["dataset"]
    readers = {job.digest for job in after.jobs.values() if {half.digest for half in halves} & {*job.inputs.values()}}
    assert readers == {made.digest}


def test_what_a_generator_is_told_is_an_input_of_it_alone(planned: Planned, diffusion: dict[str, Any]) -> None:
    plain = _job(planned(diffusion), "generators/ddpm/seed-0")
    diffusion["generators"]["ddpm"]["unbiased"] = "digits"
    plan = planned(diffusion)
    fair = _job(plan, "generators/ddpm/seed-0")
    assert fair.inputs["unbiased"] == plan.records["datasets/digits"].jobs[0]
    assert fair.digest != plain.digest
    del diffusion["generators"]["ddpm"]["unbiased"]
    diffusion["generators"]["ddpm"]["encoder"] = "turned"
    diffusion["encoders"] = {"turned": {"method": "rotation", "dataset": "digits", "model": "tiny-cnn"}}
    plan = planned(diffusion)
    told = _job(plan, "generators/ddpm/seed-0")
    assert told.inputs["encoder"] == plan.records["encoders/turned/seed-0"].jobs[-1]
    assert "encoder" not in _job(plan, "filled/seed-0/synthetic").inputs


def test_a_dataset_of_copies_differs_by_seed_where_alterations_do(planned: Planned, config: dict[str, Any]) -> None:
    config["datasets"]["views"] = {"from": "digits", "augment": ["translate"], "copies": 2}
    config["arms"]["baseline"]["dataset"] = "views"
    config["arms"] = {"baseline": config["arms"]["baseline"]}
    config |= {"generators": {}, "claims": [], "vary": ["init"]}
    plan = planned(config)
    assert "digits-x2-translate" in _job(plan, "datasets/views").label
    config["vary"] = ["alteration"]
    plan = planned(config)
    assert _job(plan, "datasets/views/seed-0").digest != _job(plan, "datasets/views/seed-1").digest
