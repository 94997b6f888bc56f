"""Why a job runs: which config key, input or file makes the difference to what stands."""

from __future__ import annotations

from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

from assay.run.check import State, look
from assay.run.files import read_json
from assay.run.plans import Plans
from assay.run.prepare import Prepared
from assay.study.jobs import Job, Record


@dataclass
class Reason:
    """Why a record has to be made: `causes` are sentences, `because_of` other records whose change passes on."""

    path: str
    causes: list[str]
    because_of: list[str]


def why(prepared: Prepared, target: str) -> list[Reason]:
    """The reasons of every record behind a target word, an arm or a record that does not hold.

    Raises:
        KeyError: the study has no such target.
    """
    state = look(prepared)
    plan = prepared.plan
    paths = [target] if target in plan.records else plan.target(target)
    open_, seen = list(paths), set(paths)
    while open_:
        more = [need for need in plan.records[open_.pop()].needs if need in state.broken and need not in seen]
        seen.update(more)
        open_ += more
    return [_reason(prepared, plan.records[path], state) for path in plan.records if path in seen & set(state.broken)]


def _reason(prepared: Prepared, record: Record, state: State) -> Reason:
    missing = [digest for digest in record.jobs if digest in state.undone]
    because_of = [need for need in record.needs if need in state.broken]
    if not missing:
        return Reason(record.path, ["its record is written again; nothing is computed"], because_of)
    fault = state.broken[record.path]
    if fault.startswith("failed"):
        return Reason(record.path, [fault], [])
    body = read_json(prepared.folder / f"{record.path}.json")
    was_done = body is not None and body["digest"] == record.digest
    old = _before(prepared, record)
    causes: list[str] = []
    for digest in missing:
        job = prepared.plan.jobs[digest]
        if was_done or state.undone[digest] != "is not there":
            fault = state.undone[digest]
            causes.append("its folder is gone" if fault == "is not there" else f"its folder {fault}")
            continue
        twin = next((other for other in old if (other.stage, other.part) == (job.stage, job.part)), None)
        causes += _differences(prepared, record, job, twin) if twin else [_new(prepared, record)]
    if old:
        causes = causes or (["what it needs changed"] if because_of else ["its folder is gone"])
    return Reason(record.path, list(dict.fromkeys(causes)), because_of)


def _before(prepared: Prepared, record: Record) -> list[Job]:
    """The jobs behind the record as it stands, or as it was planned before."""
    plans = Plans(prepared.layout)
    body = read_json(prepared.folder / f"{record.path}.json")
    if body is not None and body["digest"] != record.digest:
        digests = [job["digest"] for job in body["jobs"]]
    else:
        earlier = plans.earlier(prepared.plan.folder, record.path, record.digest)
        digests = earlier.jobs if earlier else []
    found = []
    for digest in digests:
        try:
            found.append(plans.job(digest))
        except KeyError:
            continue
    return found


def _new(prepared: Prepared, record: Record) -> str:
    """Which key made a record appear that was never there: the number of seeds, where other seeds stand, or its own."""
    words = record.path.split("/")
    seed = next((word for word in words if word.startswith("seed-")), None)
    if seed is not None:
        at = words.index(seed)
        pattern = "/".join([*map(escape, words[:at]), "seed-*", *words[at + 1 :]])
        if any(prepared.folder.glob(f"{pattern}.json")):
            file, line = prepared.lines.get("seeds", ("", 0))
            return f"seeds: {seed.removeprefix('seed-')} was added" + (f" ({file}:{line})" if file else "")
    return f"{_stem(record)} is new{_where(prepared, record, '')}"


def _differences(prepared: Prepared, record: Record, job: Job, old: Job) -> list[str]:
    causes = []
    for path, before, after in differences(old.spec, job.spec):
        if path == "fingerprint" and before and after:
            causes.append(f"files of {job.spec['source']['path']} changed{_where(prepared, record, 'source.path')}")
            continue
        causes.append(f"{path}: {_shown(before)} became {_shown(after)}{_where(prepared, record, path)}")
    for module in sorted({*job.code, *old.code}):
        if job.code.get(module) != old.code.get(module):
            causes.append(f"code: {_file_of(module, job)} {_how(old.code.get(module), job.code.get(module))}")
    for role in sorted({*job.inputs, *old.inputs}):
        if role not in old.inputs:
            causes.append(f"input {role} was added{_where(prepared, record, role.split('/')[0])}")
        elif role not in job.inputs:
            causes.append(f"input {role} was taken away")
    return causes


def differences(before: Any, after: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """The dotted paths at which two JSON values differ, with both values."""
    if isinstance(before, dict) and isinstance(after, dict):
        found = []
        for key in sorted({*before, *after}):
            found += differences(before.get(key), after.get(key), f"{path}.{key}" if path else key)
        return found
    return [] if before == after else [(path, before, after)]


def _how(before: str | None, after: str | None) -> str:
    return "is used now" if before is None else "is no longer used" if after is None else "changed"


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "method" in value:
        return str(value["method"])
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    return "nothing" if value is None else str(value)


def _file_of(module: str, job: Job) -> str:
    for _, _, name, _, file in job.methods:
        if name == module and file:
            return file
    return str(Path("workflow", *module.split("."))) + ".py"


#: Where in the config a stage's spec comes from, after the name that stands second in the record's path.
_SECTIONS = {"data": "datasets", "generator": "generators", "pretrain": "encoders"}


def _stem(record: Record) -> str:
    """The key of the config that declares what a record holds."""
    words = record.path.split("/")
    if record.stage == "evaluate":
        return f"evaluate.{words[-1]}"
    if record.stage == "claims":
        return "claims"
    if record.stage in _SECTIONS:
        return f"{_SECTIONS[record.stage]}.{words[1]}"
    return f"arms.{words[0]}"


def _where(prepared: Prepared, record: Record, path: str) -> str:
    """The place in the config that a path of a spec comes from, as ` (config.yaml:12)`, or nothing."""
    stem = _stem(record)
    if record.stage == "evaluate":
        path = path.removeprefix("options").strip(".")
    elif record.stage == "claims":
        path = ""
    keys = [key for key in path.split(".") if key]
    while True:
        found = prepared.lines.get(".".join([stem, *keys]))
        if found:
            return f" ({found[0]}:{found[1]})"
        if not keys:
            return ""
        keys.pop()
