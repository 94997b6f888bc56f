"""Which records still hold: the planner drops the others before a run, so that Snakemake makes them again."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.run.files import read_json, write_json
from assay.run.lock import Busy, locked
from assay.run.prepare import Prepared, where_it_can_be_written
from assay.run.record import clear_way
from assay.run.store import Store
from assay.study.jobs import Record


@dataclass
class State:
    """How the records and folders of a plan stand."""

    #: Record path to why it does not hold; records that hold are not in it.
    broken: dict[str, str] = field(default_factory=dict)
    #: Digest of a job to why its folder cannot be used; done jobs are not in it.
    undone: dict[str, str] = field(default_factory=dict)
    #: Folders that stand but are not what was sealed.
    altered: dict[Path, str] = field(default_factory=dict)


def look(prepared: Prepared) -> State:
    """Compare records and store with the plan; changes nothing but the cache of checked files."""
    store = Store(prepared.layout)
    cache = prepared.layout.private / "verified.json"
    known = read_json(cache) or {}
    before = str(known)
    state = State()
    seals = {}
    for digest, job in prepared.plan.jobs.items():
        place = store.place(job)
        seal = store.seal(job)
        if seal is None:
            state.undone[digest] = "is not there"
            continue
        fault = store.altered(place, known)
        if fault:
            state.altered[place] = state.undone[digest] = fault
            continue
        seals[digest] = seal
    for digest, seal in seals.items():
        for role, other in prepared.plan.jobs[digest].inputs.items():
            sealed = seals.get(other)
            if sealed is not None and seal["inputs"].get(role) != sealed["content"]:
                state.undone[digest] = f"was made from another {role}"
    if str(known) != before:
        with where_it_can_be_written():
            write_json(cache, known)
    newest = store.newest(prepared.plan.jobs.values())
    for path, record in prepared.plan.records.items():
        fault = _fault(prepared, record, state, newest)
        if fault:
            state.broken[path] = fault
    return state


def _fault(prepared: Prepared, record: Record, state: State, newest: int) -> str | None:
    if record.stage == "report":
        return _unreported(prepared, newest)
    body = read_json(prepared.folder / f"{record.path}.json")
    if record.stage == "track":
        return _untracked(prepared, body, newest) if body else None
    if body is None:
        return "is not there"
    if body["status"] != "done":
        return f"failed: {body['reason']}"
    if body["digest"] != record.digest:
        return "was made by another plan"
    for digest in record.jobs:
        if digest in state.undone:
            return f"{prepared.plan.jobs[digest].label} {state.undone[digest]}"
    return None


def _untracked(prepared: Prepared, body: dict[str, Any], newest: int) -> str | None:
    """Why MLflow does not hold a study that was sent there; None when it does."""
    from assay.track.store import short, tracking_uri

    if body["status"] != "done":
        return f"failed: {body['reason']}"
    # Another server is asked for now, or the results, and with them their database, were moved.
    if body.get("to") != short(tracking_uri(prepared.layout.root)):
        return "was sent elsewhere"
    # Another study may have made a folder again that both share: the records stand, times and curves are others.
    return "is older than the results" if newest > body.get("newest", 0) else None


def _unreported(prepared: Prepared, newest: int) -> str | None:
    """Why a report does not show the results as they are; None when it does, or when there is none."""
    file = prepared.folder / "report.html"
    return "is older than the results" if file.exists() and file.stat().st_mtime_ns < newest else None


def drop(prepared: Prepared, state: State) -> list[str]:
    """Remove records that do not hold, all gates then, and folders that were altered; what to tell, a line each.

    A report that does not hold stays readable until it is written again: it is only marked as old for Snakemake.
    """
    store = Store(prepared.layout)
    told = []
    for place in state.altered:
        lock = prepared.layout.job_lock(place.name.rpartition("-")[2])
        with contextlib.suppress(Busy), locked(lock, wait=False, keep=False):
            # Another study may have made it again meanwhile, or be at it.
            fault = store.altered(place, {}) if place.exists() else None
            if fault:
                told.append(f"{place} {fault}: it is made again")
                store.discard(place)
    for path in prepared.plan.records:
        clear_way(prepared.folder, path)
    for path, fault in state.broken.items():
        file = prepared.folder / f"{path}.json"
        if file.exists():
            file.unlink()
            if fault.startswith("failed") and not fault.startswith("failed: needs "):
                told.append(f"{path} {fault}: it is tried again")
    if "report" in state.broken:
        os.utime(prepared.folder / "report.html", (1, 1))
    if state.broken:
        for gate in (prepared.folder / "gates").glob("*.json"):
            gate.unlink()
    return told
