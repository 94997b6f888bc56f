"""How curated datasets are planned: who is asked, what is watched, and whose code counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from assay.study.code import Code
from assay.study.load import load_study
from assay.study.plan import plan


@pytest.fixture
def curated(config):
    """The small study with a dataset that an arm's training curates, and an arm on it."""
    config["datasets"]["clean"] = {"from": "rare", "curate": [{"method": "aum", "arm": "baseline"}]}
    config["arms"]["cleaned"] = {"extends": "baseline", "dataset": "clean"}
    return config


def job(made, path):
    return made.jobs[made.records[path].jobs[0]]


def roles(made, path):
    """Role to record of a job's inputs."""
    records = {digest: name for name, record in made.records.items() for digest in record.jobs}
    return {role: records[digest] for role, digest in job(made, path).inputs.items()}


def test_the_first_seed_is_asked_and_alone_is_watched(curated, planned):
    made = planned(curated)
    assert roles(made, "datasets/clean") == {
        "parent": "datasets/rare",
        "curate/0/dynamics": "baseline/seed-0/train",
    }
    assert "baseline/seed-0/train" in made.records["datasets/clean"].needs
    watched = {
        path
        for path, record in made.records.items()
        if record.stage == "train" and job(made, path).spec.get("dynamics")
    }
    assert watched == {"baseline/seed-0/train"}
    # What curates is named by its inputs, not by its spec.
    assert job(made, "datasets/clean").spec["curate"] == [{"method": "aum", "keep": None, "above": 0.0}]


def test_random_twins_are_planned_beside(curated, planned):
    made = planned(curated)
    assert roles(made, "datasets/clean-random") == {"parent": "datasets/rare", "curate/0/size": "datasets/clean"}
    assert roles(made, "cleaned-random/seed-1/train") == {"dataset": "datasets/clean-random"}
    assert "cleaned-random" in made.target_names()


def test_where_the_dataset_differs_by_seed_each_asks_its_own(curated, planned):
    made = planned(curated | {"vary": ["init", "alteration"]})
    for seed in (0, 1):
        assert roles(made, f"datasets/clean/seed-{seed}")["curate/0/dynamics"] == f"baseline/seed-{seed}/train"
        assert roles(made, f"datasets/clean-random/seed-{seed}")["curate/0/size"] == f"datasets/clean/seed-{seed}"
        assert job(made, f"baseline/seed-{seed}/train").spec["dynamics"]


def test_a_study_without_curators_trains_as_before(curated, config, planned):
    with_curator = planned(curated)
    del curated["datasets"]["clean"], curated["arms"]["cleaned"]
    without = planned(curated)
    assert "dynamics" not in job(without, "baseline/seed-0/train").spec
    assert job(without, "baseline/seed-1/train").digest == job(with_curator, "baseline/seed-1/train").digest
    assert job(without, "datasets/rare").digest == job(with_curator, "datasets/rare").digest


def test_features_come_from_the_final_model_and_dynamics_from_its_training(curated, planned):
    curated["arms"]["baseline"]["compress"] = ["magnitude"]
    curated["datasets"]["clean"]["curate"] = [
        {"method": "cluster-complexity", "keep": 0.5, "arm": "baseline"},
        {"method": "forgetting", "keep": 0.5, "arm": "baseline"},
    ]
    found = roles(planned(curated), "datasets/clean")
    assert found["curate/0/model"] == "baseline/seed-0/compress"
    assert found["curate/1/dynamics"] == "baseline/seed-0/train"
    assert set(found) == {"parent", "curate/0/model", "curate/1/dynamics"}


def test_an_encoder_is_asked_for_features(curated, planned):
    curated["encoders"] = {"turned": {"method": "rotation", "dataset": "digits", "model": "resnet8"}}
    curated["datasets"]["clean"]["curate"] = [{"method": "hierarchical-kmeans", "keep": 0.5, "encoder": "turned"}]
    assert roles(planned(curated), "datasets/clean")["curate/0/model"] == "encoders/turned/seed-0"


def test_a_tuned_arm_can_be_asked(curated, planned):
    curated["arms"]["baseline"]["search"] = {"space": {"recipe.lr": [0.1, 0.2]}, "trials": 2}
    del curated["arms"]["cleaned"]
    curated["arms"]["cleaned"] = {"dataset": "clean", "model": "linear"}
    made = planned(curated)
    assert "search" in job(made, "baseline/seed-0/train").inputs
    assert job(made, "baseline/seed-0/train").spec["dynamics"]
    assert not any("dynamics" in job(made, path).spec for path in made.records if "tune-" in path and "train" in path)


def test_whose_code_counts(curated, registry):
    """A dataset runs no training code; one whose curator looks at a model runs inference, and no loop either."""
    curated["datasets"]["clean"]["curate"] = [
        {"method": "near-duplicates"},
        {"method": "gradient-coreset", "keep": 0.5, "arm": "baseline"},
    ]
    Path("config.yaml").write_text(yaml.safe_dump(curated))
    made = plan(load_study(Path("config.yaml"), registry=registry), registry, Code())
    plain, clean, chance = (set(job(made, f"datasets/{name}").code) for name in ("rare", "clean", "clean-random"))
    assert not [name for name in plain | chance if name.startswith(("assay.train", "assay.models"))]
    assert not [name for name in plain if name.startswith("assay.data.curate.")]
    assert {"assay.data.curate.near_duplicates", "assay.data.curate.gradient_coreset"} <= clean
    assert {"assay.train.infer", "assay.models.pixels.linear"} <= clean
    assert not {"assay.train.loop", "assay.train.job"} & clean
    assert [name for name in chance if name.startswith("assay.data.curate.")] == ["assay.data.curate.random"]
