"""What tests of the engine share: an empty results folder, jobs that need no config, and plans of small configs."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from assay.run.layout import Layout
from assay.run.store import Store
from assay.study.code import Code
from assay.study.jobs import Job, Plan
from assay.study.load import load_study
from assay.study.plan import plan
from assay.study.registry import Registry

#: A study with a little of everything that the planner has to place.
STUDY: dict[str, Any] = {
    "study": "small",
    "seeds": 2,
    "datasets": {
        "digits": {
            "source": "digits",
            "split": {"val": 0.2, "test": 0.2, "stratify": True},
            "classes": {"hold-out": ["8", "9"]},
        },
        "rare": {"from": "digits", "imbalance": {"method": "exponential", "ratio": 10}},
    },
    "generators": {"smote": {"method": "smote", "dataset": "rare"}},
    "arms": {"baseline": {"dataset": "rare", "model": "linear", "recipe": {"method": "sgd", "epochs": 1}}},
    "evaluate": {"accuracy": {}},
}


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in a config are taken from the working directory, and `results/` lies there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def config() -> dict[str, Any]:
    """A config to change at will."""
    return copy.deepcopy(STUDY)


@pytest.fixture(scope="session")
def code() -> Code:
    return Code()


@pytest.fixture
def planned(registry: Registry, code: Code) -> Callable[..., Plan]:
    """`planned(config)`: the plan of a config given as a mapping."""

    def make(config: dict[str, Any], **options: Any) -> Plan:
        Path("config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        study = load_study(Path("config.yaml"), registry=registry, **options)
        study.pop("lines")
        return plan(study, registry, code)

    return make


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "results")


@pytest.fixture
def store(layout: Layout) -> Store:
    return Store(layout)


@pytest.fixture
def job() -> Callable[..., Job]:
    """`job(name, stage, **spec)`: a job that nothing has to plan."""

    def make(
        name: str = "thing",
        stage: str = "data",
        inputs: dict[str, str] | None = None,
        part: str | None = None,
        **spec: Any,
    ) -> Job:
        return Job(stage, name, {"name": name, **spec}, inputs or {}, {"assay.code": "0"}, part, kin=json.dumps(spec))

    return make


@pytest.fixture
def sealed(store: Store) -> Callable[..., Path]:
    """`sealed(job, {file: text}, {role: content})`: the job's folder, sealed as if the job had run."""

    def make(job: Job, files: dict[str, str] | None = None, inputs: dict[str, str] | None = None) -> Path:
        with store.building(job) as hidden:
            for name, text in (files or {"result.txt": job.label}).items():
                (hidden / name).parent.mkdir(parents=True, exist_ok=True)
                (hidden / name).write_text(text)
            run = {"stage": job.stage, "label": job.label, "seconds": 2.0, "finished": 1000.0, "headline": {"n": 1}}
            (hidden / "run.json").write_text(json.dumps(run))
            store.put(job, hidden, inputs or {})
        return store.place(job)

    return make
