"""kill -9 at any moment loses nothing: the next plain run completes to the same bytes."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import Project

pytestmark = pytest.mark.study


def _whole(project: Project) -> None:
    """Every folder that stands under its name is sealed, and holds what its seal says."""
    for folder in project.results.glob("store/*/[!.]*"):
        seal = json.loads((folder / "seal.json").read_text())
        for name, entry in seal["contents"].items():
            assert (folder / name).stat().st_size == entry["size"], f"{folder}/{name}"


def _complete(project: Project, reference: Project) -> None:
    """A plain run completes; weights equal those of a study that nobody disturbed; nothing is left lying about."""
    project.run("report")
    ours, theirs = project.contents(), reference.contents()
    assert set(ours) == set(theirs)
    different = {digest for digest in ours if ours[digest] != theirs[digest]}
    assert different <= _timed(project), "contents differ from those of an undisturbed study"
    assert not list(project.results.glob("store/*/.*"))
    assert not list(project.results.rglob("*.part"))
    assert project.work("report") == Counter()


def _timed(project: Project) -> set[str]:
    """Jobs whose contents are measurements of time and differ by nature; verdicts may rest on them."""
    plan = json.loads((project.results / "small" / "study.json").read_text())
    return {digest for digest, job in plan["jobs"].items() if job["part"] == "cost"}


def _journal_once(project: Project) -> None:
    assert set(Counter(line["digest"] for line in project.journal()).values()) == {1}


def _stop_all(process: subprocess.Popen[str]) -> None:
    """SIGKILL to Snakemake alone, as the machine's memory killer would; its jobs live on.

    On a machine that has become faster since the whole run was timed, it may be done already.
    """
    process.kill()
    process.wait()


#: By wall time, as a share of what a whole run takes, so that planning, the MLflow pass and the report are hit too; and
#: by pieces of work done. Every other kill takes the jobs along.
MOMENTS = [("time", (number + random.Random(number).random()) / 8, number % 2 == 0) for number in range(8)] + [
    ("work", random.Random(number).randint(1, 60), number % 2 == 0) for number in range(4)
]


@pytest.fixture(scope="module")
def seconds(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> float:
    """How long a whole run takes here, from planning to MLflow and the report."""
    undisturbed = Project(tmp_path_factory.mktemp("timed"), warm)
    begun = time.monotonic()
    undisturbed.run()
    return time.monotonic() - begun


@pytest.mark.parametrize(("by", "moment", "jobs"), MOMENTS)
def test_snakemake_and_its_jobs_are_killed_at_random_moments(
    finished: Project, project: Project, seconds: float, by: str, moment: float, jobs: bool
) -> None:
    begun = time.monotonic()
    process = project.start()
    while process.poll() is None:
        if (time.monotonic() - begun) / seconds >= moment if by == "time" else len(project.journal()) >= moment:
            break
        time.sleep(0.01)
    if jobs:
        _stop_jobs(project, process)
    _stop_all(process)
    _whole(project)
    _complete(project, finished)
    _journal_once(project)
    project.run()
    assert project.assay("audit").strip() == "results and MLflow agree"


def _stop_jobs(project: Project, process: subprocess.Popen[str]) -> None:
    """SIGKILL to whatever Snakemake started, and to the jobs themselves: forks of the warm process, known by their
    locks.
    """
    making = [file.read_text() for file in project.results.glob(".assay/locks/*.lock")]
    for pid in [*_children(process.pid), *(int(text) for text in making if text.isdecimal())]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _children(pid: int) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == pid:
            yield int(entry.name)
            yield from _children(int(entry.name))


@pytest.mark.parametrize("cold", ["0", "1"])
def test_a_job_is_killed_in_mid_training(finished: Project, project: Project, cold: str) -> None:
    process = project.start("report", ASSAY_COLD=cold)
    killed = False
    while process.poll() is None and not killed:
        for folder in project.results.glob("work/*/checkpoint.safetensors"):
            lock = project.results / ".assay" / "locks" / f"{folder.parent.name}.lock"
            try:
                os.kill(int(lock.read_text()), signal.SIGKILL)
                killed = True
            except (FileNotFoundError, ValueError, ProcessLookupError):
                continue
        time.sleep(0.005)
    text = process.communicate(timeout=300)[0]
    assert killed
    assert process.returncode != 0, text
    _whole(project)
    _complete(project, finished)


@pytest.mark.parametrize(
    "stage",
    ["data", "generator", "synthetic", "train", "compress", "predict", "evaluate", "claims"],
)
def test_killed_at_each_seal_and_rename(finished: Project, project: Project, stage: str) -> None:
    _killed_at_each_point(project, finished, stage)


def _learn_and_tune(project: Project) -> None:
    """A config with an encoder and a search, and little else."""
    baseline = project.config["arms"]["baseline"]
    rotation = {"method": "rotation", "dataset": "rare", "model": "tiny-cnn", "recipe": {"method": "sgd", "epochs": 1}}
    project.config |= {"encoders": {"rotation": rotation}, "generators": {}, "claims": [], "evaluate": {"accuracy": {}}}
    project.config["arms"] = {
        "baseline": baseline,
        "pretrained": {"extends": "baseline", "init": {"encoder": "rotation"}},
        "tuned": {"extends": "baseline", "search": {"space": {"recipe.lr": [0.05, 0.1]}, "trials": 2}},
    }
    project.write()


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> Project:
    """A finished project with an encoder and a search; nobody may change it."""
    made = Project(tmp_path_factory.mktemp("tuned"), warm)
    _learn_and_tune(made)
    made.run("report")
    return made


@pytest.mark.parametrize("stage", ["pretrain", "search"])
def test_encoders_and_searches_are_killed_at_each_seal_and_rename(tuned: Project, project: Project, stage: str) -> None:
    _learn_and_tune(project)
    _killed_at_each_point(project, tuned, stage)


def _killed_at_each_point(project: Project, reference: Project, stage: str) -> None:
    for point in ("seal", "rename", "renamed"):
        once = project.folder / f"killed-{point}"
        project.run("report", ok=False, ASSAY_KILL_AT=f"{point}:{stage}", ASSAY_KILL_ONCE=str(once))
        assert once.exists(), "the point was never reached"
        _whole(project)
        if point != "renamed":
            for folder in project.results.glob(f"store/{stage}/[!.]*"):
                json.loads((folder / "seal.json").read_text())
        # Only the killed job is to be reached again by the next round, so what it made is taken away.
        for folder in project.results.glob(f"store/{stage}/[!.]*"):
            folder.rename(folder.with_name(f".{folder.name}.999999999"))
    _complete(project, reference)


def test_killed_at_a_checkpoint_training_resumes(finished: Project, project: Project) -> None:
    once = project.folder / "killed"
    project.run("train", ok=False, ASSAY_KILL_AT="checkpoint", ASSAY_KILL_ONCE=str(once))
    assert once.exists()
    _complete(project, finished)


def test_mlflow_holds_each_trial_once_after_kills(project: Project) -> None:
    project.config["track"] = {"live": True}
    project.write()
    for steps in (15, 40):
        process = project.start()
        while process.poll() is None and len(project.journal()) < steps:
            time.sleep(0.01)
        _stop_all(process)
    project.run()
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{project.results / 'mlflow.db'}")
    (experiment,) = [each for each in client.search_experiments() if each.name == "small"]
    runs = client.search_runs([experiment.experiment_id], "tags.`assay.kind` = 'trial'")
    names = Counter((run.data.tags["assay.arm"], run.data.tags["assay.seed"]) for run in runs)
    assert len(names) == 10
    assert set(names.values()) == {1}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert project.assay("audit").strip() == "results and MLflow agree"
