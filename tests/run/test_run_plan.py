"""What the planner makes of a study: who learns from what, and which work is shared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assay.study.errors import ConfigError
from assay.study.jobs import Job, Plan

Planned = Callable[..., Plan]


def _job(plan: Plan, record: str, number: int = 0) -> Job:
    return plan.jobs[plan.records[record].jobs[number]]


def _input(plan: Plan, record: str, role: str) -> Job:
    return plan.jobs[_job(plan, record).inputs[role]]


def _official() -> dict[str, Any]:
    """A dataset whose source has an official split."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = rng.integers(0, 255, (20, 8, 8), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(20) % 4
    np.savez("official.npz", **arrays)
    return {"source": {"method": "npz", "path": "official.npz"}}


def test_every_record_is_a_file_that_a_rule_makes(planned: Planned, config: dict[str, Any]) -> None:
    """Names of trials are those of the rules: `seed-3`, `tune-0`, `tune-teacher`."""
    config["arms"] |= {
        "filled": {"extends": "baseline", "synthetic": {"generator": "smote", "balance": True}},
        "student": {"extends": "filled", "distill": {"method": "kd", "teacher": {"arm": "filled", "seed": "same"}}},
        "tuned": {"extends": "student", "search": {"space": {"distill.temperature": [1, 2, 4]}, "trials": 2}},
    }
    plan = planned(config)
    second = {
        path.split("/")[1] for path in plan.records if path.split("/")[0] in config["arms"] and path.count("/") > 1
    }
    assert second == {"seed-0", "seed-1", "tune-0", "tune-1", "tune-teacher"}
    assert {"filled/tune-teacher/synthetic", "filled/tune-teacher/train", "tuned/tune-1/synthetic"} <= set(plan.records)
    assert "tuned/search" in plan.records
    for record in plan.records.values():
        assert set(record.needs) <= set(plan.records)


def test_tuning_runs_under_streams_of_its_own_and_trials_take_its_choice(
    planned: Planned, config: dict[str, Any]
) -> None:
    config["arms"]["tuned"] = {"extends": "baseline", "search": {"space": {"recipe.lr": [0.1, 0.2]}, "trials": 2}}
    plan = planned(config)
    points = [_job(plan, f"tuned/tune-{number}/train").spec["choice"]["recipe.lr"] for number in (0, 1)]
    assert sorted(points) == [0.1, 0.2]
    assert _job(plan, "tuned/tune-0/train").spec["streams"] == {"init": -1, "order": -1, "augment": -1}
    assert _input(plan, "tuned/seed-1/train", "search") is _job(plan, "tuned/search")
    assert "choice" not in _job(plan, "tuned/seed-1/train").spec
    assert set(_job(plan, "tuned/search").inputs) == {"val/0", "val/1"}
    config["arms"]["tuned"]["compress"] = ["magnitude"]
    plan = planned(config)
    assert _input(plan, "tuned/seed-1/compress", "search") is _job(plan, "tuned/search")


def test_an_adjusted_arm_shares_its_training_and_is_adjusted_before_it_is_compressed(
    planned: Planned, config: dict[str, Any]
) -> None:
    config["arms"]["adjusted"] = {"extends": "baseline", "adjust": ["crt", "logit-adjustment"]}
    config["arms"]["both"] = {"extends": "adjusted", "compress": ["magnitude"]}
    plan = planned(config)
    trained = _job(plan, "baseline/seed-0/train")
    assert _job(plan, "adjusted/seed-0/train") is trained
    record = plan.records["adjusted/seed-0/adjust"]
    crt, last = (plan.jobs[digest] for digest in record.jobs)
    assert (crt.inputs["model"], last.inputs["model"]) == (trained.digest, crt.digest)
    assert record.stage == crt.stage == "adjust"
    assert plan.jobs[plan.records["adjusted/seed-0/predict"].jobs[0]].inputs["model"] == last.digest
    assert _input(plan, "both/seed-0/compress", "model") is last
    assert "adjusted/seed-0/adjust" in plan.target("adjust")


def test_what_a_compression_asks_for_becomes_its_inputs(planned: Planned, config: dict[str, Any]) -> None:
    """The start by its architecture and encoder; other arms and further models, which have that start alone."""
    config["encoders"] = {"turned": {"method": "rotation", "dataset": "rare", "model": "linear"}}
    config["arms"] = {
        "base": {"dataset": "rare", "model": "linear", "init": {"encoder": "turned"}},
        "swept": {"extends": "base", "sweep": {"grid": {"recipe.lr": [0.1, 0.2]}}},
        "between": {"extends": "base", "compress": ["batch-norm", {"method": "wise-ft", "alpha": 0.5}]},
        "mean": {"extends": "base", "compress": [{"method": "soup", "arms": ["swept"], "further": 2}]},
    }
    config["claims"] = []
    plan = planned(config)
    plain, between = (_job(plan, "between/seed-1/compress", number) for number in (0, 1))
    assert set(plain.inputs) == {"dataset", "model"}
    assert "model" not in plain.spec
    assert between.inputs["encoder"] == _job(plan, "base/seed-1/train").inputs["encoder"]
    assert between.spec["model"] == _job(plan, "base/seed-1/train").spec["model"]
    assert between.spec["streams"]["init"] == 1
    mean = plan.records["mean/seed-1/compress"]
    assert {"swept[recipe.lr=0.2]/seed-1/train", "mean/seed-1-further-2/train"} <= set(mean.needs)
    others = [_input(plan, "mean/seed-1/compress", f"other/{number}") for number in range(4)]
    assert others[0] is _job(plan, "swept[recipe.lr=0.1]/seed-1/train")
    assert _job(plan, "mean/seed-1/compress").spec["method"] == {"method": "soup", "how": "uniform", "batch-norm": True}
    own = _job(plan, "mean/seed-1/train")
    assert own is _job(plan, "base/seed-1/train")
    for other in others[2:]:
        assert other.spec["streams"]["init"] == 1
        assert {**other.spec, "streams": None} == {**own.spec, "streams": None}
    orders = [
        _input(plan, f"mean/seed-{seed}/compress", f"other/{n}").spec["streams"] for seed in (0, 1) for n in (2, 3)
    ]
    assert len({(numbers["order"], numbers["augment"]) for numbers in orders}) == 4
    assert all(numbers["order"] < -1 for numbers in orders), "neither a seed nor the stream of tuning"


def test_generators_of_their_own_are_dealt_out_by_seed(planned: Planned, config: dict[str, Any]) -> None:
    config["seeds"] = 3
    config["generators"]["smote"]["seeds"] = 2
    config["arms"]["filled"] = {"extends": "baseline", "synthetic": {"generator": "smote", "balance": True}}
    plan = planned(config)
    made = [_input(plan, f"filled/seed-{seed}/synthetic", "generator").digest for seed in range(3)]
    assert made[0] == made[2] != made[1]
    assert {path for path in plan.records if path.startswith("generators/")} == {
        "generators/smote/seed-0",
        "generators/smote/seed-1",
    }


def test_another_sampler_gate_or_mix_trains_no_generator_anew(planned: Planned, config: dict[str, Any]) -> None:
    config["generators"]["ddpm"] = {"method": "ddpm", "dataset": "rare"}
    arms = {
        "plain": {},
        "fewer": {"sampler": {"method": "unipc", "steps": 5}},
        "gated": {"gate": {"agreement": 0.5}},
        "staged": {"mix": "pretrain-then-real"},
        "judged": {"judge": "baseline"},
    }
    for name, use in arms.items():
        config["arms"][name] = {"extends": "baseline", "synthetic": {"generator": "ddpm", "balance": True, **use}}
    plan = planned(config)
    assert (
        len({_input(plan, f"{name}/seed-{seed}/synthetic", "generator").digest for name in arms for seed in (0, 1)})
        == 1
    )
    sets = {name: [_job(plan, f"{name}/seed-{seed}/synthetic").digest for seed in (0, 1)] for name in arms}
    assert sets["plain"] == sets["gated"] == sets["staged"] != sets["fewer"]
    assert sets["plain"][0] == sets["plain"][1]
    assert sets["judged"][0] != sets["judged"][1]  # each seed's model judges by itself
    assert _job(plan, "plain/seed-0/synthetic").spec["sampler"]["method"] == "ddim"
    assert _input(plan, "judged/seed-1/synthetic", "judge") is _job(plan, "baseline/seed-1/train")
    trained = {_job(plan, f"{name}/seed-0/train").digest for name in arms}
    assert len(trained) == len(arms)


@pytest.mark.parametrize("stream", ["split", "alteration"])
def test_generators_and_encoders_learn_from_the_images_that_the_trial_may_see(
    planned: Planned, config: dict[str, Any], stream: str
) -> None:
    """With one generator for all seeds, that of seed 0 would have learnt what other seeds are tested on."""
    config["vary"] = ["init", stream]
    config["encoders"] = {"turned": {"method": "rotation", "dataset": "rare", "model": "linear"}}
    config["arms"]["filled"] = {"extends": "baseline", "synthetic": {"generator": "smote", "balance": True}}
    config["arms"]["started"] = {"extends": "baseline", "init": {"encoder": "turned"}}
    plan = planned(config)
    datasets = set()
    for seed in range(2):
        dataset = _job(plan, f"filled/seed-{seed}/train").inputs["dataset"]
        assert _input(plan, f"filled/seed-{seed}/synthetic", "generator").inputs["dataset"] == dataset
        assert _input(plan, f"started/seed-{seed}/train", "encoder").inputs["dataset"] == dataset
        datasets.add(dataset)
    assert len(datasets) == 2
    assert {"generators/smote/seed-1", "encoders/turned/seed-1"} <= set(plan.records)
    # The streams of the one generator stay those of its number.
    assert _job(plan, "generators/smote/seed-1").spec["streams"] == {"generator": 0}


def test_an_official_split_does_not_vary(planned: Planned, config: dict[str, Any]) -> None:
    config["vary"] = ["init", "split"]
    config["datasets"]["fixed"] = _official()
    config["arms"]["other"] = {"extends": "baseline", "dataset": "fixed"}
    plan = planned(config)
    assert "datasets/fixed" in plan.records
    assert "datasets/rare/seed-1" in plan.records
    inputs = [_job(plan, f"other/seed-{seed}/train").inputs["dataset"] for seed in range(2)]
    assert inputs[0] == inputs[1]


@pytest.mark.parametrize("seed", ["all", 1])
def test_a_teacher_of_another_split_is_refused(planned: Planned, config: dict[str, Any], seed: Any) -> None:
    config["vary"] = ["init", "split"]
    config["arms"]["student"] = {
        "extends": "baseline",
        "distill": {"method": "kd", "teacher": {"arm": "baseline", "seed": seed}},
    }
    with pytest.raises(ConfigError, match=r"arms.student.distill.teacher.seed: .*use `seed: same`"):
        planned(config)
    config["datasets"]["fixed"] = _official()
    for arm in ("baseline", "student"):
        config["arms"][arm]["dataset"] = "fixed"
    teachers = [role for role in _job(planned(config), "student/seed-0/train").inputs if role.startswith("teacher/")]
    assert len(teachers) == (2 if seed == "all" else 1)


def test_tuning_over_splits_that_vary_is_refused(planned: Planned, config: dict[str, Any]) -> None:
    config["vary"] = ["split"]
    config["arms"]["tuned"] = {"extends": "baseline", "search": {"space": {"recipe.lr": [0.1, 0.2]}, "trials": 2}}
    with pytest.raises(ConfigError, match=r"arms.tuned.search: .*tuning would see images that trials are tested on"):
        planned(config)
    config["vary"] = ["init", "alteration"]
    assert "tuned/search" in planned(config).records


def test_equal_work_is_one_job_whatever_it_is_called(planned: Planned, config: dict[str, Any]) -> None:
    config["arms"]["again"] = {"extends": "baseline"}
    plan = planned(config)
    assert _job(plan, "again/seed-0/train") is _job(plan, "baseline/seed-0/train")
    config["arms"] = {"renamed": config["arms"]["baseline"]}
    other = planned(config)
    assert other.records["renamed/seed-0/train"].digest == plan.records["baseline/seed-0/train"].digest
    assert Path("config.yaml").exists()


def _predictions(*sets: str) -> None:
    rng = np.random.default_rng(1)
    arrays = {f"{name}.logits": rng.normal(size=(10, 8)) for name in sets}
    np.savez("theirs.npz", **arrays, **{f"{name}.label": np.arange(10) % 8 for name in sets})


def test_views_of_images_change_predictions_and_no_training(planned: Planned, config: dict[str, Any]) -> None:
    config["arms"]["viewed"] = {"extends": "baseline", "tta": "mirror"}
    config["arms"]["tuned"] = {
        "extends": "viewed",
        "search": {"space": {"recipe.lr": [0.1, 0.2]}, "trials": 1},
    }
    plan = planned(config)
    assert plan.records["viewed/seed-0/train"].jobs == plan.records["baseline/seed-0/train"].jobs
    assert not set(plan.records["viewed/seed-0/predict"].jobs) & set(plan.records["baseline/seed-0/predict"].jobs)
    assert {plan.jobs[job].spec["tta"] for job in plan.records["viewed/seed-0/predict"].jobs} == {"mirror"}
    assert _job(plan, "baseline/seed-0/predict").spec["tta"] == "none"
    # Points are judged on the predictions that the arm will make.
    assert _job(plan, "tuned/tune-0/predict").spec["tta"] == "mirror"


def test_predictions_made_elsewhere_are_judged_on_the_sets_that_they_hold(
    planned: Planned, config: dict[str, Any]
) -> None:
    config["evaluate"] |= {"ood": {"near": ["hold-out"], "far": ["noise"]}, "cost": {}}
    config["arms"]["theirs"] = {"dataset": "rare", "predictions": "theirs.npz"}
    _predictions("val", "test")
    plan = planned(config)
    assert [job.part for job in map(plan.jobs.__getitem__, plan.records["theirs/seed-0/predict"].jobs)] == [
        "test",
        "val",
    ]
    assert plan.records["theirs/seed-0/accuracy"].jobs
    assert not plan.records["theirs/seed-0/ood"].jobs
    assert not plan.records["theirs/seed-0/cost"].jobs
    _predictions("val", "test", "train", "hold-out", "noise")
    assert len(planned(config).records["theirs/seed-0/ood"].jobs) == 2


def test_predictions_without_what_every_family_reads_are_refused(planned: Planned, config: dict[str, Any]) -> None:
    config["arms"]["theirs"] = {"dataset": "rare", "predictions": "theirs.npz"}
    np.savez("theirs.npz", logits=np.zeros((3, 8)), label=np.zeros(3, int))
    with pytest.raises(
        ConfigError, match=r"arms.theirs.predictions: expected the arrays val.logits, .* lacks val.logits"
    ):
        planned(config)


def test_seeds_that_change_nothing_are_refused_and_others_are_not(planned: Planned, config: dict[str, Any]) -> None:
    """Equal trials are one measurement; counted as several they would decide claims on nothing."""

    def trains(vary: list[str]) -> set[str]:
        config["vary"] = vary
        plan = planned(config)
        return {plan.records[f"{arm}/seed-{seed}/train"].digest for arm in config["arms"] for seed in range(2)}

    assert len(trains(["alteration"])) == len(trains(["split"])) == len(trains(["augment"])) == 2
    config["datasets"]["rare"] = {"from": "digits"}
    with pytest.raises(ConfigError, match=r"vary: nothing that varies \(alteration\) reaches the arm baseline"):
        trains(["alteration"])
    config["arms"]["baseline"] |= {"synthetic": {"generator": "smote", "per-class": 3}}
    with pytest.raises(ConfigError, match="nothing that varies"):
        trains(["generator"])
    config["generators"]["smote"]["seeds"] = 2
    config["arms"]["student"] = {
        "extends": "baseline",
        "synthetic": None,
        "distill": {"method": "kd", "teacher": "baseline"},
    }
    assert len(trains(["generator"])) == 4
    config["arms"]["student"]["distill"]["teacher"] = {"arm": "baseline", "seed": "all"}
    with pytest.raises(ConfigError, match="reaches the arm student"):
        trains(["generator"])
    config["seeds"] = 1
    assert planned(config).records
