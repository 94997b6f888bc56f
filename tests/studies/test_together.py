"""Seeds that train together in one job: stored one by one, close to training alone, and the same after a kill."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from project import Project
from safetensors.numpy import load_file

pytestmark = pytest.mark.study

#: How far a weight may lie from that of the training alone, relative to the largest of its tensor: 28 steps of a
#: smooth network in float32.
TOLERANCE = 1e-3


def _arms(project: Project, **changes: object) -> Project:
    project.config |= {"seeds": 3, "generators": {}, "claims": [], "evaluate": {"accuracy": {}}, **changes}
    recipe = {"method": "adamw", "epochs": 2, "lr": 0.001}
    project.config["arms"] = {
        "alone": {"dataset": "digits", "model": "mlp", "augment": ["translate"], "recipe": recipe, "precision": "fp32"},
        "side": {"extends": "alone", "together": True},
    }
    project.write()
    return project


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> Project:
    """A finished project with an arm whose seeds train alone and one whose seeds train together."""
    made = _arms(Project(tmp_path_factory.mktemp("both"), warm))
    made.run("evaluate")
    return made


def _weights(project: Project, arm: str, seed: int) -> dict[str, np.ndarray]:
    return load_file(project.stored(f"{arm}/seed-{seed}/train") / "model.safetensors")


def test_each_seed_is_stored_as_if_trained_alone_and_is_close_to_that(both: Project) -> None:
    for seed in range(3):
        alone, side = (both.record(f"{arm}/seed-{seed}/train") for arm in ("alone", "side"))
        assert set(side) == set(alone)
        assert [set(job) for job in side["jobs"]] == [set(job) for job in alone["jobs"]]
        folders = [both.stored(f"{arm}/seed-{seed}/train") for arm in ("alone", "side")]
        names = [{file.name for file in folder.iterdir()} for folder in folders]
        assert names[0] == names[1] >= {"model.safetensors", "curves.jsonl", "log.txt", "run.json", "samples.npz"}
        assert (both.results / "small" / "side" / f"seed-{seed}" / "train").resolve() == folders[1].resolve()
        one, other = _weights(both, "alone", seed), _weights(both, "side", seed)
        for name, value in one.items():
            assert np.abs(other[name] - value).max() <= TOLERANCE * max(1e-3, np.abs(value).max()), name
        assert side["headline"]["val.loss"] == pytest.approx(alone["headline"]["val.loss"], rel=TOLERANCE)
    assert not np.allclose(_weights(both, "side", 0)["head.weight"], _weights(both, "side", 1)["head.weight"])


def test_they_are_one_job_of_snakemake(both: Project) -> None:
    logs = {path.relative_to(both.results / "small").as_posix() for path in both.results.glob("small/*/**/train.log")}
    assert logs == {*(f"alone/seed-{seed}/train.log" for seed in range(3)), "side/train.log"}
    shares = {both.record(f"side/seed-{seed}/train")["cost"]["seconds"] for seed in range(3)}
    assert len(shares) == 1


def test_a_further_seed_trains_alone_and_moves_no_other(both: Project, tmp_path: Path, warm: Path) -> None:
    project = _arms(Project(tmp_path, warm))
    del project.config["arms"]["alone"]
    project.config["arms"]["side"] = both.config["arms"]["alone"] | {"together": True}
    project.config["seeds"] = 2
    project.write()
    assert project.work("train") == Counter(data=1, train=2)
    before = project.contents()
    project.config["seeds"] = 3
    project.write()
    assert project.work("train") == Counter(train=1)
    assert before.items() <= project.contents().items()
    for name, value in _weights(both, "side", 2).items():
        assert np.abs(_weights(project, "side", 2)[name] - value).max() <= TOLERANCE * max(1e-3, np.abs(value).max())


@pytest.mark.parametrize("point", ["checkpoint", "rename:train", "renamed:train"])
def test_a_killed_training_goes_on_to_the_same_bits(both: Project, project: Project, point: str) -> None:
    _arms(project)
    del project.config["arms"]["alone"]
    project.config["arms"]["side"] = both.config["arms"]["alone"] | {"together": True}
    project.write()
    once = project.folder / "killed"
    project.run("train", ok=False, ASSAY_KILL_AT=point, ASSAY_KILL_ONCE=str(once))
    assert once.exists()
    project.run("train")
    for seed in range(3):
        ours, theirs = (_weights(each, "side", seed) for each in (project, both))
        assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
        curves = [(each.stored(f"side/seed-{seed}/train") / "curves.jsonl").read_text() for each in (project, both)]
        assert curves[0].count("\n") == curves[1].count("\n")
    assert max(Counter(line["digest"] for line in project.journal()).values()) == 1
    assert not list(project.results.glob("work/*"))


def test_a_sealed_seed_that_is_lost_is_trained_again_by_itself(both: Project, tmp_path: Path, warm: Path) -> None:
    project = _arms(Project(tmp_path, warm))
    shutil.copytree(both.results, project.results, symlinks=True)
    shutil.rmtree(project.stored("side/seed-1/train"))
    assert project.work("train") == Counter(train=1)
    assert "train side, all seeds" in project.run("train", "-R", "train_together")
    assert Counter(line["stage"] for line in project.journal())["train"] == 6 + 1 + 6
