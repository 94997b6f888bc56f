"""Equal work happens once, whoever asks for it and when."""

from __future__ import annotations

import copy
import time
from collections import Counter

import pytest
from project import Project

pytestmark = pytest.mark.study


def test_arms_that_differ_in_evaluation_alone_train_once(project: Project) -> None:
    arm = project.config["arms"]["baseline"]
    project.config["arms"] = {"baseline": arm, "again": {"extends": "baseline"}}
    project.config |= {"generators": {}, "claims": [], "seeds": 1}
    project.write()
    assert project.work("evaluate")["train"] == 1


def test_two_studies_at_once_share_what_they_have_in_common(project: Project) -> None:
    project.config |= {"generators": {}, "claims": [], "seeds": 2}
    arms = project.config["arms"]
    for name in ("filled", "student", "pruned"):
        del arms[name]
    other = copy.deepcopy(project.config)
    other["study"] = "other"
    other["arms"] = {"reference": arms["baseline"], "flipped": {"extends": "reference", "augment": ["flip"]}}
    project.write()
    project.write("other.yaml", other)
    runs = [project.start("report"), project.start("report", "--config", "study=other.yaml")]
    texts = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(texts)
    done = Counter(line["digest"] for line in project.journal())
    assert set(done.values()) == {1}
    # Baseline, shifted and flipped, two seeds each; the reference is the baseline by another name.
    assert Counter(line["stage"] for line in project.journal())["train"] == 6


def test_a_second_run_of_the_same_study_is_refused(project: Project) -> None:
    first = project.start("train")
    try:
        for _ in range(200):
            if (project.results / ".assay" / "study-small.lock").exists():
                break
            time.sleep(0.1)
        text = project.run("train", ok=False)
    finally:
        first.communicate(timeout=300)
    assert "study small is being run by process" in text
    assert first.returncode == 0
