"""Every method of distillation at work in one study, that of datasets among them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from assay.study.registry import scan
from project import Project
from safetensors.numpy import load_file

pytestmark = pytest.mark.study

REGISTRY = scan()
METHODS = {name: "itself" in REGISTRY.card("distill", name).reads for name in REGISTRY.names("distill")}


def _arm(name: str, alone: bool) -> dict[str, Any]:
    return {"extends": "pupil", "distill": {"method": name} if alone else {"method": name, "teacher": "teacher"}}


CONDENSED = {"dataset": "digits", "per-class": 2, "steps": 3, "width": 4, "contrastive": True, "flip": True}

STUDY: dict[str, Any] = {
    "study": "distillation",
    "seeds": 1,
    "datasets": {
        "digits": {"source": "digits", "subset": 200, "split": {"val": 0.2, "test": 0.2, "stratify": True}},
        "few": {"from": "digits", "labels": 60},
        "central": {"from": "digits", "curate": [{"method": "kmeans", "per-class": 2}]},
        "central-random": {"from": "digits", "subset": 20},
    },
    "generators": {
        "smote": {"method": "smote", "dataset": "digits"},
        **{name: {"method": name, **CONDENSED} for name in ("gradient-matching", "distribution-matching")},
    },
    "arms": {
        "teacher": {"dataset": "digits", "model": "tiny-cnn", "recipe": {"method": "sgd", "epochs": 2}},
        "pupil": {"extends": "teacher", "model": {"width": 4}},
        **{name: _arm(name, alone) for name, alone in METHODS.items()},
        "reborn": {"extends": "born-again", "distill": {"repeat": 2}},
        "unlabelled": {"extends": "teacher-labels", "dataset": "few", "distill": {"images": "unlabelled"}},
        "synthetic": {
            "extends": "teacher-labels",
            "synthetic": {"generator": "smote", "ratio": 1, "mix": "synthetic-only"},
        },
        # Who teaches: one of two students of the teacher, or a network that nobody trained.
        "middle": {"extends": "kd", "model": {"width": 6}},
        "assisted": {"extends": "kd", "distill": {"teacher": {"assistants": ["middle", "kd"]}}},
        "guided": {
            "extends": "guidance",
            "model": "mlp",
            "distill": {"teacher": {"arm": "teacher", "untrained": True}},
        },
        "chosen": {
            "extends": "kd",
            "search": {
                "space": {"model": [{"method": "tiny-cnn", "width": 4}, "resnet8"]},
                "trials": 2,
                "by": "diswot",
            },
        },
        "central": {"extends": "teacher", "dataset": "central", "model": "convnet"},
        **{
            name: {
                "extends": "teacher",
                "model": "convnet",
                "synthetic": {"generator": name, "per-class": 2, "mix": "synthetic-only"},
            }
            for name in ("gradient-matching", "distribution-matching")
        },
        # A network without feature maps has none that could be compared.
        "wrong": {"extends": "simkd", "model": "mlp"},
    },
    "evaluate": {"accuracy": {}},
    "track": {"live": False},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, warm: Any) -> Project:
    """The study, trained; one arm fails."""
    made = Project(tmp_path_factory.mktemp("distillation"), warm)
    made.config = STUDY
    made.write()
    made.run("train", ok=False)
    return made


def _weights(study: Project, arm: str) -> dict[str, np.ndarray]:
    return load_file(study.stored(f"{arm}/seed-0/train") / "model.safetensors")


@pytest.mark.parametrize("arm", [*METHODS, "reborn[generation=1]", "reborn", "unlabelled", "synthetic"])
def test_each_hands_on_a_network_like_its_pupil_that_learnt_something_else(study: Project, arm: str) -> None:
    made, plain = _weights(study, arm), _weights(study, "pupil")
    assert {name: value.shape for name, value in made.items()} == {name: value.shape for name, value in plain.items()}
    assert any(not np.array_equal(made[name], plain[name]) for name in made)
    assert all(np.isfinite(value).all() for value in made.values())


def test_a_generation_learns_from_the_one_before_and_starts_elsewhere(study: Project) -> None:
    plan = json.loads((study.results / "distillation/study.json").read_text())["jobs"]
    first, last = (study.record(f"{arm}/seed-0/train")["digest"] for arm in ("reborn[generation=1]", "reborn"))
    assert plan[first]["inputs"]["teacher/0"] == study.record("teacher/seed-0/train")["digest"]
    assert plan[last]["inputs"]["teacher/0"] == first
    once = study.record("born-again/seed-0/train")["digest"]
    assert once not in (first, last), "an arm without `repeat` starts as every other does"


def test_a_pupil_without_labels_sees_the_other_images(study: Project) -> None:
    curves = study.stored("unlabelled/seed-0/train") / "curves.jsonl"
    lines = [json.loads(line) for line in curves.read_text().splitlines()]
    assert not any("train.accuracy" in line for line in lines)
    with np.load(study.stored("datasets/few") / "unlabelled.npz") as table:
        assert max(line["step"] for line in lines) == 2 * -(-len(table["id"]) // 64)


def test_the_message_of_a_pair_that_does_not_fit_says_what_would(study: Project) -> None:
    record = study.record("wrong/seed-0/train")
    assert record["status"] == "failed"
    assert "this model has none; choose a convolutional one" in record["reason"]


@pytest.mark.parametrize("name", ["gradient-matching", "distribution-matching"])
def test_a_condensed_set_is_learnt_once_and_is_all_that_its_arm_sees(study: Project, name: str) -> None:
    exact = load_file(study.stored(f"generators/{name}/seed-0") / "generator.safetensors")["images"]
    made = study.stored(f"{name}/seed-0/synthetic")
    images = np.load(made / "synthetic.images.npy")
    with np.load(made / "synthetic.npz") as table:
        assert table["label"].tolist() == np.repeat(np.arange(10), 2).tolist()
    assert np.abs(images / 255 - exact.reshape(20, 1, 8, 8).transpose(0, 2, 3, 1)).max() <= 0.5 / 255 + 1e-6
    lines = (study.stored(f"{name}/seed-0/train") / "curves.jsonl").read_text().splitlines()
    assert max(json.loads(line)["step"] for line in lines) == 2, "two epochs of one batch"


def test_as_many_real_images_are_chosen_of_each_class(study: Project) -> None:
    with np.load(study.stored("datasets/central") / "train.npz") as table:
        assert np.bincount(table["label"]).tolist() == [2] * 10


def test_the_job_of_a_student_tells_which_assistant_taught_it(study: Project) -> None:
    run = json.loads((study.stored("assisted/seed-0/train") / "run.json").read_text())
    log = (study.stored("assisted/seed-0/train") / "log.txt").read_text()
    chosen = run["assistant"]
    assert f"assistant {chosen}:" in next(line for line in log.splitlines() if line.endswith("which teaches"))
    plan = json.loads((study.results / "distillation/study.json").read_text())["jobs"]
    inputs = plan[study.record("assisted/seed-0/train")["digest"]]["inputs"]
    assert set(inputs) == {"dataset", "teacher/0", "assistant/0", "assistant/1"}


def test_a_guide_that_nobody_trained_teaches_another_architecture(study: Project) -> None:
    assert study.record("guided/seed-0/train")["status"] == "done"
    plan = json.loads((study.results / "distillation/study.json").read_text())["jobs"]
    assert set(plan[study.record("guided/seed-0/train")["digest"]]["inputs"]) == {"dataset"}


def test_a_student_is_chosen_before_any_is_trained(study: Project) -> None:
    choice = json.loads((study.stored("chosen/search") / "choice.json").read_text())
    assert len(choice["scores"]) == 2
    assert choice["by"] == "diswot"
    about = json.loads((study.stored("chosen/seed-0/train") / "model.json").read_text())
    assert about["model"] == choice["choice"]["model"]
    assert not list((study.results / "distillation/chosen").glob("tune-*"))
