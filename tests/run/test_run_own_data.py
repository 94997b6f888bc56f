"""A user's images that change between plan and job, or while a job reads them, make no dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from assay.run.execute import execute
from assay.run.layout import Layout
from assay.run.prepare import Prepared, prepare
from assay.run.record import fulfil
from assay.run.why import why
from assay.study.jobs import Job
from PIL import Image


@pytest.fixture
def planned(config: dict[str, Any], layout: Layout) -> Prepared:
    for number in range(20):
        draw(number)
    split = {"val": 0.2, "test": 0.2}
    config["datasets"] = {"rare": {"source": {"method": "folder", "path": "set"}, "split": split}}
    Path("config.yaml").write_text(yaml.safe_dump(config | {"generators": {}}))
    return prepare({}, layout)


def draw(number: int) -> None:
    file = Path(f"set/{number % 2}/{number}.png")
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), number).save(file)


def job_of(prepared: Prepared) -> Job:
    return prepared.plan.jobs[prepared.plan.records["datasets/rare"].jobs[0]]


def test_a_change_after_planning_is_told(planned: Prepared, layout: Layout) -> None:
    draw(20)
    outcome = execute(job_of(planned), layout)
    assert (outcome.status, outcome.reason) == (
        "failed", "MethodError: set changed since the study was planned; run it again"
    )  # fmt: skip
    assert execute(job_of(prepare({}, layout)), layout).headline == {"images": 21, "classes": 2}


def test_a_change_while_reading_is_told(planned: Prepared, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    import assay.data.job as module

    real = module.build

    def build(*arguments: Any, **options: Any) -> Any:
        made = real(*arguments, **options)
        draw(20)
        return made

    monkeypatch.setattr(module, "build", build)
    assert "changed since the study was planned" in str(execute(job_of(planned), layout).reason)


def test_why_names_the_folder(planned: Prepared, layout: Layout) -> None:
    fulfil(layout, "small", "datasets/rare", planned.plan.records["datasets/rare"].digest)
    draw(20)
    (reason,) = why(prepare({}, layout), "datasets/rare")
    line = 1 + Path("config.yaml").read_text().splitlines().index("      path: set")
    assert reason.causes == [f"files of set changed (config.yaml:{line})"]
