"""Streams of randomness are separate, and equal specs give equal bits however they are run."""

from __future__ import annotations

import json

import numpy as np
import pytest
from project import Project
from safetensors.numpy import load_file

pytestmark = pytest.mark.study


def _one_arm(project: Project, **changes: object) -> None:
    project.config["arms"] = {"baseline": project.config["arms"]["baseline"] | {"augment": ["translate"]}}
    project.config |= {"generators": {}, "claims": [], "evaluate": {"accuracy": {}}, **changes}
    project.write()


def _weights(project: Project, seed: int) -> dict[str, np.ndarray]:
    return load_file(project.stored(f"baseline/seed-{seed}/train") / "model.safetensors")


def _differ(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return any(not np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("stream", ["init", "order", "augment"])
def test_a_study_may_vary_one_stream_alone(project: Project, stream: str) -> None:
    trust = {"seeds": {}, "selective": {}, "one-vs-rest": {}, "conformal": {"methods": ["class-conditional"]}}
    _one_arm(project, vary=[stream], evaluate={"accuracy": {}, **trust} if stream == "order" else {"accuracy": {}})
    project.run(*(["evaluate"] if stream == "order" else ["train"]))
    assert _differ(_weights(project, 0), _weights(project, 1))
    specs = [project.record(f"baseline/seed-{seed}/train")["digest"] for seed in (0, 1)]
    assert specs[0] != specs[1]
    if stream == "order":
        _seeds_are_compared(project)


def _seeds_are_compared(project: Project) -> None:
    """Each seed's evaluation reads the predictions of both; what is one number stands under the first."""
    rows = []
    for seed in (0, 1):
        text = (project.stored(f"baseline/seed-{seed}/seeds") / "metrics.json").read_text()
        rows.append({row["metric"]: row for row in json.loads(text)})
    predicted = []
    for seed in (0, 1):
        link = project.results / f"small/baseline/seed-{seed}/predict/test"
        with np.load(link / "predictions.npz") as archive:
            predicted.append(archive["logits"].argmax(1))
    assert rows[0]["churn"]["value"] == pytest.approx(np.mean(predicted[0] != predicted[1]))
    assert rows[0]["ensemble-accuracy"]["value"] is not None
    assert rows[1]["ensemble-accuracy"]["note"] == "one number for all seeds, which stands under the study's first"
    for family in ("selective", "one-vs-rest", "conformal"):
        assert project.record(f"baseline/seed-1/{family}")["status"] == "done"


@pytest.mark.parametrize(("cores", "environment"), [(1, {}), (2, {"ASSAY_COLD": "1"}), (2, {"OMP_NUM_THREADS": "2"})])
def test_bits_do_not_depend_on_how_a_study_is_run(
    finished: Project, project: Project, cores: int, environment: dict[str, str]
) -> None:
    project.run("train", "compress", cores=cores, **environment)
    for path in ("baseline/seed-0/train", "shifted/seed-1/train", "student/seed-0/train", "pruned/seed-1/compress"):
        ours, theirs = (load_file(each.stored(path) / "model.safetensors") for each in (project, finished))
        assert not _differ(ours, theirs), path
