"""Results carried over a code change that the user declares harmless."""

from __future__ import annotations

import os
import shutil
import time

from assay.run.check import look
from assay.run.files import read_json, write_json
from assay.run.lock import locked
from assay.run.plans import Plans
from assay.run.prepare import Prepared
from assay.run.store import Store
from assay.study.jobs import Job


def accept(prepared: Prepared) -> list[tuple[Job, list[str]]]:
    """Seal again, under their new digests, results that only a change of code has made out of date.

    A result is carried over when a job of the same kin (same stage, spec and inputs, other code) is sealed whole. Its
    files are linked, not copied; the new seal says what was accepted, and the report shows it.

    Returns:
        The jobs that were carried over, each with the modules that had changed.
    """
    store, plans = Store(prepared.layout), Plans(prepared.layout)
    undone = look(prepared).undone
    carried = []
    for digest, job in prepared.plan.jobs.items():
        if digest not in undone:
            continue
        for old in plans.kin(job):
            if store.seal(old) is None or store.altered(store.place(old), {}):
                continue
            inputs = {}
            for role, other in job.inputs.items():
                seal = store.seal(prepared.plan.jobs[other])
                inputs[role] = seal["content"] if seal else ""
            if not store.stands(old, inputs):
                continue
            changed = sorted(
                module for module in {*job.code, *old.code} if job.code.get(module) != old.code.get(module)
            )
            _carry(store, old, job, changed)
            carried.append((job, changed))
            break
    return carried


def _carry(store: Store, old: Job, job: Job, changed: list[str]) -> None:
    source, place = store.place(old), store.place(job)
    seal = read_json(source / "seal.json")
    note = {"from": old.digest, "changed": changed, "time": time.time(), "before": seal.get("accepted")}
    lock = store.layout.job_lock(job.digest)
    with locked(lock, about=str(os.getpid()), keep=False), store.building(job) as hidden:
        for name in seal["contents"]:
            (hidden / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source / name, hidden / name)
            except OSError:
                # Not every file system has links.
                shutil.copy2(source / name, hidden / name)
        write_json(hidden / "seal.json", {**seal, "digest": job.digest, "accepted": note})
        if place.exists():
            store.discard(place)
        hidden.rename(place)
