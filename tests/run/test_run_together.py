"""Jobs that train together: which do, how they go on after a kill, and what becomes of each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from assay.errors import MethodError
from assay.run import together
from assay.run.checkpoints import Curves, JointCheckpoints, joint_members
from assay.run.execute import execute
from assay.run.files import read_json, read_lines
from assay.run.layout import Layout
from assay.run.store import Store
from assay.run.together import execute_together, groups
from assay.study.jobs import Job, Plan

Jobs = Callable[..., Job]


@pytest.fixture
def seeds(job: Jobs, layout: Layout) -> Callable[..., list[Job]]:
    """`seeds(0, 1, ...)`: trainings that differ in their seed alone, known to the plan's database."""

    def make(*numbers: int, **spec: Any) -> list[Job]:
        made = []
        for number in numbers:
            each = job("digits", "train", streams={"init": number}, together=True, **spec)
            each.label = f"digits-s{number}"
            made.append(each)
        plan = Plan({"folder": "small", "arms": {}})
        for number, each in enumerate(made):
            plan.add(f"record-{number}", "train", [each], [])
        together.Plans(layout).save(plan)
        return made

    return make


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Training writes a label, and fails for some; gives who was in each stack, with `*` for those that were wanted."""
    stacks: list[list[str]] = []

    def train(jobs: list[Job], tasks: dict[str, Any]) -> dict[str, Any]:
        stacks.append([each.label[-2:] + "*" * (each.digest in tasks) for each in jobs])
        os.write(1, f"trained {' '.join(stacks[-1])}\n".encode())  # pytest has put `print` elsewhere
        for task in tasks.values():
            (task.out / "model.safetensors").write_text(task.job.label)
        return {
            digest: MethodError("the loss became nan") if "fails" in task.job.label else {"n": 1}
            for digest, task in tasks.items()
        }

    monkeypatch.setattr(together, "_train", train)
    return stacks


def _checkpoint(layout: Layout, step: int, jobs: list[Job], watched: list[Job]) -> None:
    """As a training of `jobs` leaves one behind."""
    folders = {}
    for each in watched:
        work = layout.work / each.digest[:16]
        work.mkdir(parents=True, exist_ok=True)
        folders[each.digest] = work, Curves(work / "curves.jsonl")
    JointCheckpoints([each.digest for each in jobs], folders).save({"step": step, "model": torch.ones(2)})


def test_all_seeds_are_one_computation_and_stored_one_by_one(
    layout: Layout, store: Store, seeds: Any, training: list[list[str]]
) -> None:
    jobs = seeds(0, 1, 2)
    outcomes = execute_together(jobs, layout)
    assert training == [["s0*", "s1*", "s2*"]]
    for each in jobs:
        assert outcomes[each.digest].status == "done"
        place = store.place(each)
        assert (place / "model.safetensors").read_text() == each.label
        assert (place / "log.txt").read_text() == "trained s0* s1* s2*\n"
        run = read_json(place / "run.json")
        assert run["together"] == 3
        assert run["command"] == f"assay train {place}"
    # The cost is told once: each has its share.
    assert len({outcomes[each.digest].run["seconds"] for each in jobs}) == 1
    assert sorted(line["digest"] for line in read_lines(layout.journal)) == sorted(each.digest for each in jobs)
    assert not list(layout.work.iterdir())
    assert not list(layout.locks.iterdir())


def test_what_stands_is_left_alone(layout: Layout, seeds: Any, training: list[list[str]]) -> None:
    jobs = seeds(0, 1, 2)
    execute(jobs[1], layout)
    execute_together(jobs, layout)
    execute_together(jobs, layout)
    assert training == [["s1*"], ["s0*", "s2*"]]


def test_forcing_takes_its_seed_alone(layout: Layout, seeds: Any, training: list[list[str]]) -> None:
    jobs = seeds(0, 1)
    done = execute_together(jobs, layout)
    execute_together(jobs, layout, forced_at={jobs[0].digest: done[jobs[0].digest].run["finished"] + 1})
    assert training == [["s0*", "s1*"], ["s0*"]]


def test_a_seed_that_fails_fails_alone(layout: Layout, store: Store, seeds: Any, training: list[list[str]]) -> None:
    jobs = seeds(0, 1)
    jobs[1].label = "fails-s1"
    outcomes = execute_together(jobs, layout)
    assert [outcomes[each.digest].status for each in jobs] == ["done", "failed"]
    failure = read_json(layout.failures / f"{jobs[1].digest}.json")
    assert failure["reason"] == "MethodError: the loss became nan"
    assert "trained s0* s1*" in failure["log"]
    assert not store.place(jobs[1]).exists()
    # The next run tries it again, and nothing else.
    jobs[1].label = "digits-s1"
    assert execute_together(jobs, layout)[jobs[1].digest].status == "done"
    assert training == [["s0*", "s1*"], ["s1*"]]
    assert not (layout.failures / f"{jobs[1].digest}.json").exists()


def test_an_error_of_the_method_fails_all_and_one_of_the_machine_none(
    layout: Layout, seeds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(error: Exception) -> Callable[..., None]:
        def train(*_: Any) -> None:
            raise error

        return train

    jobs = seeds(0, 1)
    monkeypatch.setattr(together, "_train", breaks(ValueError("no such layer")))
    outcomes = execute_together(jobs, layout)
    assert {outcome.reason for outcome in outcomes.values()} == {"ValueError: no such layer"}
    monkeypatch.setattr(together, "_train", breaks(MemoryError()))
    with pytest.raises(MemoryError):
        execute_together(jobs, layout)
    assert not list(layout.store.glob("train/.*"))


def test_only_what_differs_in_its_seed_alone_shares_a_stack(layout: Layout, seeds: Any) -> None:
    one, other = seeds(0, 1), seeds(0, 1, recipe="adamw")
    watched = seeds(2, dynamics=True)
    made = groups([*one, *other, *watched], layout)
    assert [members for members, _ in made] == [
        [each.digest for each in [*one, *watched]],
        [each.digest for each in other],
    ]


def test_an_interrupted_training_goes_on_with_the_members_that_it_had(
    layout: Layout, seeds: Any, training: list[list[str]]
) -> None:
    jobs = seeds(0, 1, 2, 3)
    _checkpoint(layout, 5, jobs[:3], jobs[:3])
    # Killed between two seals: one stands already, and its work folder is gone.
    execute_together([jobs[1]], layout)
    assert training == [["s0", "s1*", "s2"]]
    training.clear()
    execute_together(jobs, layout)
    assert training == [["s0*", "s1", "s2*"], ["s3*"]]


def test_a_joint_checkpoint_lies_with_each_and_the_newest_counts(layout: Layout, seeds: Any) -> None:
    jobs = seeds(0, 1)
    _checkpoint(layout, 1, jobs, jobs)
    folders = [layout.work / each.digest[:16] for each in jobs]
    names = [each.digest for each in jobs]
    assert [joint_members(folder) for folder in folders] == [(1, names)] * 2
    old = (folders[1] / "checkpoint.safetensors").read_bytes()
    curves = {name: (folder, Curves(folder / "curves.jsonl")) for name, folder in zip(names, folders, strict=True)}
    for number, (_, curve) in enumerate(curves.values()):
        curve(2, loss=10**number)  # lines of different length
    JointCheckpoints(names, curves).save({"step": 2, "model": torch.zeros(2)})
    # A kill before the second folder got the new file.
    (folders[1] / "checkpoint.safetensors").unlink()
    (folders[1] / "checkpoint.safetensors").write_bytes(old)
    for _, curve in curves.values():
        curve(3, loss=9)
    state = JointCheckpoints(names, curves).load()
    assert state is not None
    assert (state["step"], state["model"].tolist()) == (2, [0.0, 0.0])
    lines = [read_lines(folder / "curves.jsonl") for folder in folders]
    assert [[(line["step"], line["loss"]) for line in each] for each in lines] == [[(2, 1)], [(2, 10)]]


def test_curves_go_on_where_they_stood_without_the_one_that_was_first(layout: Layout, seeds: Any) -> None:
    jobs = seeds(0, 1)
    folders = {each.digest: layout.work / each.digest[:16] for each in jobs}
    curves = {name: (folder, Curves(folder / "curves.jsonl")) for name, folder in folders.items()}
    (_, short), (_, long) = curves.values()
    short(1, loss=1)
    long(1, loss=1)
    long(2, loss=2)
    joint = JointCheckpoints(list(folders), curves)
    joint.save({"step": 2})
    left = {jobs[1].digest: curves[jobs[1].digest]}
    assert JointCheckpoints(list(folders), left).load() == {"step": 2}
    assert len(read_lines(folders[jobs[1].digest] / "curves.jsonl")) == 2


def test_without_a_checkpoint_curves_begin_anew(tmp_path: Path) -> None:
    curves = Curves(tmp_path / "curves.jsonl")
    curves(1, loss=1.0)
    joint = JointCheckpoints(["a"], {"a": (tmp_path, curves)})
    assert joint.load() is None
    assert curves.position() == 0
    assert joint_members(tmp_path) == (-1, [])
