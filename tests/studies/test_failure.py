"""A failed arm is a result: everything else goes on, the failure is told, and the next run tries it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import Project

pytestmark = pytest.mark.study

#: An augmentation that raises while a file stands, as a method with a fault would.
BROKEN = """
from pathlib import Path
from assay import method

@method("augment", "broken", summary="Raises while a file stands.")
def broken(images, targets, draw):
    if Path("break").exists():
        raise RuntimeError("a fault <script>alert(1)</script> in the method")
    return images, targets
"""


def _with_broken_arm(project: Project) -> None:
    (project.folder / "mine.py").write_text(BROKEN)
    (project.folder / "break").touch()
    project.config["plugins"] = ["mine.py"]
    project.config["arms"] = {
        "baseline": project.config["arms"]["baseline"],
        "shifted": project.config["arms"]["shifted"],
        "broken": {"extends": "baseline", "augment": ["broken"]},
        "pupil": {"extends": "baseline", "distill": {"method": "kd", "teacher": {"arm": "broken", "seed": "same"}}},
    }
    project.config["claims"].append({"claim": "Broken is fine", "expect": "broken.accuracy > baseline.accuracy"})
    project.config["generators"] = {}
    project.write()


def test_a_failed_arm_leaves_the_rest_to_finish(project: Project) -> None:
    _with_broken_arm(project)
    text = project.run(ok=False)
    assert "FAILED broken/seed-0/train: RuntimeError: a fault" in text
    record = project.record("broken/seed-1/train")
    assert record["status"] == "failed"
    assert "a fault" in record["reason"]
    assert project.record("pupil/seed-0/train")["reason"].startswith("needs ")
    assert project.record("shifted/seed-1/ood")["status"] == "done"

    import assay

    results = assay.load(project.results / "small")
    verdicts = {verdict["claim"]: verdict for verdict in results.verdicts()}
    assert verdicts["Broken is fine"]["verdict"] == "inconclusive"
    assert verdicts["Broken is fine"]["missing"]
    assert not verdicts["Shifting helps"]["missing"]
    for word in ("report", "claims"):
        assert "records behind" in project.run(word, ok=False), f"{word} passes over a failure that it rests on"
    page = (project.results / "small" / "report.html").read_text()
    assert "a fault &lt;script&gt;" in page
    assert "<script>alert(1)" not in page
    assert _states(project) == {"broken": "FAILED", "pupil": "FAILED", "baseline": "FINISHED", "shifted": "FINISHED"}

    (project.folder / "break").unlink()
    assert project.work()["train"] == 4
    assert project.record("pupil/seed-0/train")["status"] == "done"
    assert set(_states(project).values()) == {"FINISHED"}


def _states(project: Project) -> dict[str, str]:
    """The status of every trial's run in MLflow, by arm; each trial is there once."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{project.results / 'mlflow.db'}")
    (experiment,) = [each for each in client.search_experiments() if each.name == "small"]
    runs = client.search_runs([experiment.experiment_id], "tags.`assay.kind` = 'trial'")
    live = [run for run in runs if run.data.tags.get("assay.superseded") != "true"]
    names = [(run.data.tags["assay.arm"], run.data.tags["assay.seed"]) for run in live]
    assert len(names) == len(set(names)) == 8
    return {run.data.tags["assay.arm"]: run.info.status for run in live}


def test_a_loss_that_is_not_a_number_says_where(project: Project) -> None:
    project.config["arms"] = {
        "baseline": project.config["arms"]["baseline"] | {"recipe": {"method": "sgd", "epochs": 2, "lr": 1e30}}
    }
    project.config |= {"generators": {}, "claims": [], "seeds": 1}
    project.write()
    text = project.run("train", ok=False)
    reason = project.record("baseline/seed-0/train")["reason"]
    assert "epoch" in reason
    assert "step" in reason
    assert reason.splitlines()[0] in text


def test_a_machine_that_gives_out_is_no_result(project: Project) -> None:
    (project.folder / "mine.py").write_text(
        BROKEN.replace(
            'RuntimeError("a fault <script>alert(1)</script> in the method")', 'OSError(28, "No space left")'
        )
    )
    project.config["plugins"] = ["mine.py"]
    project.config["arms"] = {"baseline": project.config["arms"]["baseline"] | {"augment": ["broken"]}}
    project.config |= {"generators": {}, "claims": [], "seeds": 1}
    project.write()
    Path(project.folder / "break").touch()
    project.run("train", ok=False)
    assert not (project.results / "small/baseline/seed-0/train.json").exists()
    (project.folder / "break").unlink()
    assert project.work("train")["train"] == 1
