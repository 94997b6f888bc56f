"""How one job runs: once, under its lock, into a sealed folder, or into a failure that says why."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from assay.run.execute import MissingInput, Outcome, Task, execute
from assay.run.files import read_json, read_lines
from assay.run.layout import Layout
from assay.run.lock import locked
from assay.run.plans import Plans
from assay.run.store import Store
from assay.study.jobs import Job, Plan

Jobs = Callable[..., Job]


@contextmanager
def in_a_process() -> Iterator[None]:
    """Standard streams that write to file descriptors 1 and 2, as those of a job do and pytest's do not."""
    with (
        open(1, "w", closefd=False) as out,
        open(2, "w", closefd=False, buffering=1) as error,
        redirect_stdout(out),
        redirect_stderr(error),
    ):
        yield


@pytest.fixture
def plan(layout: Layout) -> Callable[..., None]:
    """`plan(job, ...)`: make jobs known to the plan's database."""

    def save(*jobs: Job) -> None:
        made = Plan({"folder": "small", "arms": {}})
        for number, job in enumerate(jobs):
            made.add(f"record-{number}", job.stage, [job], [])
        Plans(layout).save(made)

    return save


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Task], Any]], None]:
    """`stage(compute)`: what the stages do in this test."""
    return lambda compute: monkeypatch.setattr("assay.run.stages.compute", compute)


def _write(task: Task) -> dict[str, Any]:
    print(f"made {task.job.label}")
    text = "+".join([task.job.label, *((folder / "out").read_text() for folder in task.inputs.values())])
    (task.out / "out").write_text(text)
    return {"length": len(text)}


def test_a_job_runs_once(layout: Layout, job: Jobs, stage: Any) -> None:
    stage(_write)
    with in_a_process():
        first, second = execute(job(), layout), execute(job(), layout)
    assert first.status == second.status == "done"
    assert first.headline == second.headline == {"length": 5}
    assert first.run["finished"] == second.run["finished"]
    assert [line["digest"] for line in read_lines(layout.journal)] == [job().digest]
    place = Store(layout).place(job())
    assert (place / "log.txt").read_text() == "made thing\n"
    run = read_json(place / "run.json")
    assert run["spec"] == job().spec
    assert run["command"] == f"assay data {place}"
    assert not list(layout.work.iterdir())
    assert not list(layout.locks.iterdir())


def test_forcing_runs_what_is_older(layout: Layout, job: Jobs, stage: Any) -> None:
    stage(_write)
    finished = execute(job(), layout).run["finished"]
    assert execute(job(), layout, forced_at=finished).run["finished"] == finished
    assert execute(job(), layout, forced_at=finished + 1e-6).run["finished"] > finished
    assert len(read_lines(layout.journal)) == 2


def test_equal_work_asked_for_at_once_is_done_once(layout: Layout, job: Jobs, stage: Any) -> None:
    """The second waits for the first and takes its result."""
    busy, let_go = threading.Event(), threading.Event()

    def slow(task: Task) -> dict[str, Any]:
        busy.set()
        assert let_go.wait(timeout=30)
        return _write(task)

    stage(slow)
    outcomes: list[Outcome] = []
    # Output is redirected for the whole process, so only the first may be inside; the lock sees to that.
    threads = [threading.Thread(target=lambda: outcomes.append(execute(job(), layout))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert busy.wait(timeout=30)
    let_go.set()
    for thread in threads:
        thread.join(timeout=30)
    assert [outcome.status for outcome in outcomes] == ["done"] * 3
    assert len(read_lines(layout.journal)) == 1


def test_inputs_are_handed_over_and_bound_by_content(
    layout: Layout, store: Store, job: Jobs, plan: Any, stage: Any, sealed: Callable[..., Path]
) -> None:
    below = job("below")
    above = job("above", "train", inputs={"dataset": below.digest})
    plan(below, above)
    stage(_write)
    execute(below, layout)
    execute(above, layout)
    assert (store.place(above) / "out").read_text() == "above+below"
    # Made again to the same bytes, the input changes nothing; to other bytes it does.
    sealed(below, {"out": "below"})
    assert execute(above, layout).run["finished"]
    assert len(read_lines(layout.journal)) == 2
    sealed(below, {"out": "another"})
    execute(above, layout)
    assert (store.place(above) / "out").read_text() == "above+another"


def test_an_input_that_is_not_there_is_told(layout: Layout, job: Jobs, plan: Any, stage: Any) -> None:
    below = job("below")
    above = job("above", inputs={"dataset": below.digest})
    plan(below, above)
    stage(_write)
    with pytest.raises(MissingInput, match=r"store/data/above-\w+ needs store/data/below-\w+, which does not stand"):
        execute(above, layout)


def test_an_input_that_is_being_put_in_place_is_waited_for(
    layout: Layout, store: Store, job: Jobs, plan: Any, stage: Any, sealed: Callable[..., Path]
) -> None:
    """Another study that makes an input anew takes the old folder away a moment before the new one is there."""
    below = job("below")
    above = job("above", inputs={"dataset": below.digest})
    plan(below, above)
    stage(_write)
    outcomes: list[Outcome] = []
    with locked(layout.job_lock(below.digest), keep=False):
        thread = threading.Thread(target=lambda: outcomes.append(execute(above, layout)))
        thread.start()
        thread.join(timeout=0.2)
        assert thread.is_alive()
        sealed(below, {"out": "below"})
    thread.join(timeout=30)
    assert [outcome.status for outcome in outcomes] == ["done"]


def test_an_error_in_a_method_is_a_result(layout: Layout, store: Store, job: Jobs, stage: Any) -> None:
    def broken(task: Task) -> dict[str, Any]:
        print("step 1")
        (task.out / "half").write_text("x")
        raise RuntimeError("it broke")

    stage(broken)
    with in_a_process():
        outcome = execute(job(), layout)
    assert (outcome.status, outcome.reason) == ("failed", "RuntimeError: it broke")
    failure = read_json(layout.failures / f"{job().digest}.json")
    assert failure["reason"] == outcome.reason
    assert failure["log"].startswith("step 1\nTraceback")
    assert store.seal(job()) is None
    assert not list((layout.store / "data").iterdir())
    assert not read_lines(layout.journal)


def test_a_failure_is_passed_on_and_forgotten_once_it_is_mended(
    layout: Layout, job: Jobs, plan: Any, stage: Any
) -> None:
    below = job("below")
    above = job("above", inputs={"dataset": below.digest})
    top = job("top", inputs={"model": above.digest})
    plan(below, above, top)

    def broken(task: Task) -> dict[str, Any]:
        raise ValueError("no")

    stage(broken)
    reasons = [execute(each, layout).reason for each in (below, above, top)]
    assert reasons == ["ValueError: no", "needs below: ValueError: no", "needs below: ValueError: no"]
    stage(_write)
    # While the input was not tried again its failure still holds, whoever asks.
    assert execute(top, layout).reason == "needs below: ValueError: no"
    assert [execute(each, layout).status for each in (below, above, top)] == ["done"] * 3
    assert not list(layout.failures.iterdir())


@pytest.mark.parametrize("stage_name", ["claims", "search"])
def test_some_stages_make_the_best_of_what_failed(
    layout: Layout, store: Store, job: Jobs, plan: Any, stage: Any, stage_name: str
) -> None:
    good, bad = job("good"), job("bad")
    above = job("above", stage_name, inputs={"a": good.digest, "b": bad.digest})
    plan(good, bad, above)

    def compute(task: Task) -> dict[str, Any]:
        if task.job.label == "bad":
            raise ValueError("no")
        return _write(task) | {"failed": task.failed}

    stage(compute)
    execute(good, layout)
    execute(bad, layout)
    assert execute(above, layout).headline == {"length": 10, "failed": {"b": "bad: ValueError: no"}}
    stage(lambda task: _write(task) | {"failed": task.failed})
    execute(above, layout)
    assert len(read_lines(layout.journal)) == 2, "nothing changed, so it stands"
    execute(bad, layout)
    assert execute(above, layout).headline["failed"] == {}


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), MemoryError(), RuntimeError("out of memory")]
)
def test_a_machine_that_gives_out_is_no_result(
    layout: Layout, store: Store, job: Jobs, stage: Any, error: Exception
) -> None:
    def broken(task: Task) -> dict[str, Any]:
        (task.work / "checkpoint").write_text("kept")
        raise error

    stage(broken)
    with pytest.raises(type(error)):
        execute(job(), layout)
    assert not layout.failures.exists()
    assert not list((layout.store / "data").iterdir())
    assert (layout.work / job().digest[:16] / "checkpoint").exists()


def test_what_compiled_code_prints_is_in_the_log(layout: Layout, store: Store, job: Jobs, stage: Any) -> None:
    def compute(task: Task) -> dict[str, Any]:
        print("from python")
        os.write(1, b"from below\n")
        os.write(2, b"a warning\n")
        return _write(task)

    stage(compute)
    with in_a_process():
        execute(job(), layout)
    log = (store.place(job()) / "log.txt").read_text()
    assert {"from python", "from below", "a warning"} <= set(log.splitlines())
    assert json.loads((store.place(job()) / "run.json").read_text())["headline"] == {"length": 5}
