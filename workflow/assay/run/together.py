"""Trainings that differ in their seed alone, computed together in one process and stored as if one by one."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from assay.run.arrays import write_npz
from assay.run.checkpoints import Curves, JointCheckpoints, joint_members
from assay.run.datasets import read_dataset
from assay.run.devices import described, held
from assay.run.execute import (
    Clock,
    Outcome,
    Ready,
    Task,
    begin,
    building,
    fail,
    finish,
    of_the_machine,
    output_to,
)
from assay.run.layout import Layout
from assay.run.lock import locked
from assay.run.methods import registry_of
from assay.run.plans import Plans
from assay.run.stages import seconds_between_checkpoints, set_up, start_weights, write_trained
from assay.study.jobs import Job, digest_of

#: What the specs of seeds that train together may differ in.
_OWN = ("streams", "dynamics")


def execute_together(
    jobs: Iterable[Job], layout: Layout, *, forced_at: Mapping[str, float] | None = None
) -> dict[str, Outcome]:
    """Make sure that jobs are done, and say by digest what came of each; see `assay.run.execute.execute`.

    Those that stand are left alone; the others that were asked for the same but for the seed are trained together.

    Args:
        jobs: for all of which `together` is set.
        layout: the results folder.
        forced_at: by digest, the time before which a result does not count.

    Raises:
        MissingInput, OSError, MemoryError: as there.
    """
    by_digest = {job.digest: job for job in jobs}
    outcomes: dict[str, Outcome] = {}
    ready: dict[str, Ready] = {}
    with ExitStack() as locks:
        # In one order everywhere, so that no two processes wait for each other.
        for digest in sorted(by_digest):
            locks.enter_context(locked(layout.job_lock(digest), about=str(os.getpid()), keep=False))
        for digest, job in by_digest.items():
            found = begin(job, layout, (forced_at or {}).get(digest, 0.0))
            if isinstance(found, Outcome):
                outcomes[digest] = found
            else:
                ready[digest] = found
        for members, wanted in groups([each.job for each in ready.values()], layout):
            outcomes |= _compute(members, {digest: ready[digest] for digest in wanted}, layout)
    return outcomes


def groups(jobs: Iterable[Job], layout: Layout) -> list[tuple[list[str], list[str]]]:
    """How to train some jobs: for each stack the digests in it, in their order, and those of them that are wanted.

    A training that was interrupted goes on with the members that it had, those included that are sealed by now: others
    in their place would change the last bits.
    """
    left = {job.digest: job for job in jobs}
    made: list[tuple[list[str], list[str]]] = []
    begun = {digest: layout.work / digest[:16] for digest in left if (layout.work / digest[:16]).exists()}
    for _, members in sorted((joint_members(folder) for folder in begun.values()), key=lambda found: -found[0]):
        wanted = [digest for digest in members if digest in left and digest in begun]
        if wanted:
            made.append((members, wanted))
            for digest in wanted:
                del left[digest]
    alike: dict[str, list[str]] = {}
    for digest, job in left.items():
        same = {key: value for key, value in job.spec.items() if key not in _OWN}
        inputs = {role: value for role, value in job.inputs.items() if role != "encoder"}
        alike.setdefault(digest_of([same, inputs, job.code]), []).append(digest)
    return made + [(members, members) for members in alike.values()]


def _compute(members: Sequence[str], ready: Mapping[str, Ready], layout: Layout) -> dict[str, Outcome]:
    """Train all members, and seal those that are wanted."""
    plans = Plans(layout)
    jobs = [ready[each].job if each in ready else plans.job(each) for each in members]
    clock = Clock()
    with ExitStack() as open_:
        tasks = {digest: open_.enter_context(building(each, layout)) for digest, each in ready.items()}
        log, *others = (task.work / "log.txt" for task in tasks.values())
        start = log.stat().st_size if log.exists() else 0
        open_.enter_context(output_to(log))
        made: Mapping[str, dict[str, Any] | Exception]
        try:
            made = _train(jobs, tasks)
        except Exception as error:
            made = dict.fromkeys(tasks, _told(error))
        sys.stdout.flush()
        sys.stderr.flush()
        for other in others:
            with log.open("rb") as whole, other.open("ab") as copy:
                whole.seek(start)
                shutil.copyfileobj(whole, copy)
        spent = clock.spent(1 / len(tasks))
        outcomes = {}
        for digest, task in tasks.items():
            result = made[digest]
            if isinstance(result, Exception):
                shutil.rmtree(task.out)
                outcomes[digest] = fail(task.job, layout, f"{type(result).__name__}: {result}")
            else:
                outcomes[digest] = finish(ready[digest], task, layout, result, spent, together=len(members))
        return outcomes


def _told(error: Exception) -> Exception:
    """An error that is a result, printed; one of the machine is raised again."""
    if of_the_machine(error):
        raise error
    sys.stdout.flush()
    traceback.print_exception(error)
    return error


def _train(jobs: Sequence[Job], tasks: Mapping[str, Task]) -> dict[str, dict[str, Any] | Exception]:
    """Write the model of each task; its headline, or why it failed."""
    from assay.run.models import read_model
    from assay.train.together.job import Member, train_together

    task = next(iter(tasks.values()))
    spec = task.job.spec
    set_up(spec)
    registry = registry_of(task)
    dataset = read_dataset(task.inputs["dataset"])
    watched = {digest: (each.work, Curves(each.work / "curves.jsonl")) for digest, each in tasks.items()}
    checkpoints = JointCheckpoints([job.digest for job in jobs], watched, seconds_between_checkpoints())
    members = []
    for job in jobs:
        member = Member(job.label.rpartition("-")[2], job.spec["streams"], _nowhere)
        if job.digest in tasks:
            own = tasks[job.digest]
            member.log = watched[job.digest][1]
            if "encoder" in own.inputs:
                member.encoder = read_model(own.inputs["encoder"], registry).state_dict()
            if job.spec.get("dynamics"):
                member.keep = partial(write_npz, own.out / "dynamics.npz")
        members.append(member)

    def state(**stated: Any) -> None:
        for each in tasks.values():
            each.stated.update(stated)

    with held(1, task.job.gpus, task.device_locks or task.work) as (device,):
        state(device=described(device))
        models = train_together(
            spec,
            members,
            registry,
            dataset,
            synthetic=read_dataset(task.inputs["synthetic"]) if "synthetic" in task.inputs else None,
            weights=start_weights(spec),
            state=state,
            checkpoints=checkpoints,
            device=device,
        )
    made: dict[str, dict[str, Any] | Exception] = {}
    for job, model in zip(jobs, models, strict=True):
        if job.digest not in tasks:
            continue
        if isinstance(model, Exception):
            # The next run is to try it again, not to read here that it failed.
            checkpoints.forget(job.digest)
            made[job.digest] = model
            continue
        try:
            made[job.digest] = write_trained(tasks[job.digest], model, job.spec, registry, dataset)
        except Exception as error:
            made[job.digest] = _told(error)
    return made


def _nowhere(step: int, **values: float) -> None:
    """The log of a member whose result stands already."""
