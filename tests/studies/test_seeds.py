"""Streams of randomness are separate, and equal specs give equal bits however they are run."""

from __future__ import annotations

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
    _one_arm(project, vary=[stream])
    project.run("train")
    assert _differ(_weights(project, 0), _weights(project, 1))
    specs = [project.record(f"baseline/seed-{seed}/train")["digest"] for seed in (0, 1)]
    assert specs[0] != specs[1]


@pytest.mark.parametrize(("cores", "environment"), [(1, {}), (2, {"ASSAY_COLD": "1"}), (2, {"OMP_NUM_THREADS": "2"})])
def test_bits_do_not_depend_on_how_a_study_is_run(
    finished: Project, project: Project, cores: int, environment: dict[str, str]
) -> None:
    project.run("train", "compress", cores=cores, **environment)
    for path in ("baseline/seed-0/train", "shifted/seed-1/train", "student/seed-0/train", "pruned/seed-1/compress"):
        ours, theirs = (load_file(each.stored(path) / "model.safetensors") for each in (project, finished))
        assert not _differ(ours, theirs), path
