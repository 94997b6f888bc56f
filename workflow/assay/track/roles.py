"""Artifacts: which files of a run go to MLflow, and which are referred to by path and digest."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from assay.run.files import canonical, read_json, sha256_file, sha256_text
from assay.run.layout import Layout
from assay.run.results import Results
from assay.track import private
from assay.track.cells import Cell
from assay.track.wanted import Role

#: Files of the engine, of no use to a reader.
_SKIPPED = ("seal.json",)
#: Endings of what the report's stage writes beside the page.
_FOR_PAPERS = (".md", ".bib", ".csv", ".tex")
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def size(text: str | int) -> int:
    """Bytes of a size as a config writes it: `50M`, `2G`, `1000`.

    Raises:
        ValueError: no such size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", str(text).strip(), re.IGNORECASE)
    if match is None:
        raise ValueError(f"{text!r} is no size; write a number with K, M, G or T, such as 50M")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def role_name(results: Results, cell: Cell, digest: str) -> str:
    """The artifact folder of a job in its run, also what goes before the names of its curves."""
    job = results.plan["jobs"][digest]
    stage, part = job["stage"], job.get("part")
    if stage == "evaluate":
        return f"evaluate/{part}"
    if stage == "predict":
        return f"predict/{part}"
    same = [other for other in cell.jobs if results.plan["jobs"][other]["stage"] == stage]
    return stage if len(same) == 1 else f"{stage}-{same.index(digest) + 1}"


def mark(value: Any) -> str:
    """A marker of what a role holds, from anything that changes with it."""
    return sha256_text(canonical(value))[:8]


def folder_role(results: Results, name: str, folder: Path, guarded: bool) -> Role:
    """The files of a sealed folder: those below a limit are copied, the others referred to by path and digest.

    The limit is `track: {copy-below: ...}`, or none at all under `artifacts: refer`. A dataset's arrays are referred to
    whatever their size: they lie in a cache that many runs share.
    """
    track = results.study.get("track") or {}
    limit = 0 if track.get("artifacts") == "refer" else size(track.get("copy-below", "50M"))
    seal = read_json(folder / "seal.json") or {}
    role = Role(name, mark([seal, limit, guarded]), folder=folder)
    dataset = folder.parent.name == "data"
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in _SKIPPED):
        inside = file.relative_to(folder).as_posix()
        told = guarded and private.tells(file)
        arrays = dataset and file.suffix in (".npy", ".npz")
        bytes_ = file.stat().st_size
        if told or arrays or bytes_ >= limit:
            known = (seal.get("contents") or {}).get(inside, {})
            about: dict[str, object] = {"bytes": bytes_, "sha256": known.get("sha256") or sha256_file(file)}
            role.kept[inside] = {"path": str(file.resolve()), **about, **({"private": True} if told else {})}
        elif guarded and dataset and inside == "card.json":
            role.texts[inside] = json.dumps(private.card_without_ids(read_json(file)), indent=1)
        else:
            role.files[inside] = file
    if role.kept:
        role.texts["kept-elsewhere.json"] = json.dumps(role.kept, indent=1)
    return role


def failure_role(results: Results, cell: Cell, reason: str, guarded: bool) -> list[Role]:
    """Why a run failed and what its job printed, from the engine's note of the failure."""
    layout = Layout(results.root)
    texts = {"reason.txt": f"{reason}\n"}
    for digest in cell.jobs:
        failure = read_json(layout.failures / f"{digest}.json")
        log = layout.work / digest[:16] / "log.txt"
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else (failure or {}).get("log")
        if failure and text and not guarded:
            texts[f"{failure['stage']}-log.txt"] = text
    return [Role("failure", mark(texts), texts=texts)]


def study_roles(results: Results) -> list[Role]:
    """The config as it was written, the plan, and the report with what lies beside it for a paper."""
    config = results.plan.get("config")
    role = Role("", "", files={"study.json": results.folder / "study.json"})
    report = results.folder / "report.html"
    if report.exists():
        beside = [results.folder / "methods.md", results.folder / "methods.bib"]
        beside += sorted((results.folder / "tables").glob("*.*"))
        for file in [report, *(one for one in beside if one.suffix in _FOR_PAPERS and one.exists())]:
            role.files[file.relative_to(results.folder).as_posix()] = file
    if config:
        role.texts["config.yaml"] = config
    role.marker = mark([[file.stat().st_mtime_ns for file in role.files.values()], sorted(role.files), config])
    return [role]
