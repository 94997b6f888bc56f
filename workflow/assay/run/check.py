"""Which records still hold: the planner drops the others before a run, so that Snakemake makes them again."""

from __future__ import annotations

import contextlib
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
    newest = 0.0
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
        newest = max(newest, (place / "seal.json").stat().st_mtime)
    for digest, seal in seals.items():
        for role, other in prepared.plan.jobs[digest].inputs.items():
            sealed = seals.get(other)
            if sealed is not None and seal["inputs"].get(role) != sealed["content"]:
                state.undone[digest] = f"was made from another {role}"
    if str(known) != before:
        with where_it_can_be_written():
            write_json(cache, known)
    for path, record in prepared.plan.records.items():
        fault = _stale(prepared, record, newest) or _fault(prepared, record, state)
        if fault:
            state.broken[path] = fault
    return state


def _stale(prepared: Prepared, record: Record, newest: float) -> str | None:
    """Whether another study computed something anew that this one shares, after it was last told of."""
    if record.stage not in ("report", "track"):
        return None
    try:
        told = _file(prepared, record.path).stat().st_mtime
    except FileNotFoundError:
        return None
    return "is older than what it tells of" if told < newest else None


def _file(prepared: Prepared, path: str) -> Path:
    return prepared.folder / f"{path}.{'html' if path == 'report' else 'json'}"


def _fault(prepared: Prepared, record: Record, state: State) -> str | None:
    if record.stage == "report":
        return None
    body = read_json(prepared.folder / f"{record.path}.json")
    if record.stage == "track":
        return _untracked(prepared, body) if body else None
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


def _untracked(prepared: Prepared, body: dict[str, Any]) -> str | None:
    """Why MLflow does not hold a study that was sent there; None when it does."""
    from assay.track.store import short, tracking_uri

    if body["status"] != "done":
        return f"failed: {body['reason']}"
    # Another server is asked for now, or the results, and with them their database, were moved.
    return None if body.get("to") == short(tracking_uri(prepared.layout.root)) else "was sent elsewhere"


def drop(prepared: Prepared, state: State) -> list[str]:
    """Remove records that do not hold, all gates then, and folders that were altered; what to tell, a line each."""
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
        file = _file(prepared, path)
        if file.exists():
            file.unlink()
            if fault.startswith("failed") and not fault.startswith("failed: needs "):
                told.append(f"{path} {fault}: it is tried again")
    if state.broken:
        for gate in (prepared.folder / "gates").glob("*.json"):
            gate.unlink()
    return told
