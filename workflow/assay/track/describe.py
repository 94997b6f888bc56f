"""What each run of a study should hold, read from `results/`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from assay.run import environment
from assay.run.declared import digest_of_claim, when
from assay.run.files import read_json
from assay.run.layout import Layout
from assay.run.results import Results
from assay.run.withheld import WITHHELD, without_names
from assay.study.jobs import digest_of
from assay.track import private
from assay.track.cells import Cell, Identity, lineage
from assay.track.figures import figures_role
from assay.track.names import flatten, joined, legal, metric_key
from assay.track.roles import failure_role, folder_role, role_name, study_roles
from assay.track.wanted import Curve, Point, Source, Wanted


def status_of(results: Results, cell: Cell) -> tuple[str, str | None]:
    """`failed` (with the first reason), `done`, `running` or `missing`, by the cell's records and work folders."""
    records = [results.record(path) for path in cell.records]
    for record in records:
        if record and record["status"] == "failed":
            return "failed", record["reason"]
    if records and all(records):
        return "done", None
    work = Layout(results.root).work
    begun = any(records) or any((work / digest[:16] / "curves.jsonl").exists() for digest in cell.jobs)
    return ("running" if begun else "missing"), None


def describe(results: Results, cell: Cell) -> Wanted:
    """The content of one run, but for what it takes from the runs below it (see `arms.summarise`)."""
    status, reason = status_of(results, cell)
    guarded = private.guarded(results, cell)
    if reason:
        of_dataset = guarded and cell.identity.kind == "dataset"
        reason = WITHHELD if of_dataset else without_names(reason, results.plan)
    wanted = Wanted(cell, status, reason)
    wanted.tags = {"assay.study": results.folder.name, **cell.identity.tags(), "mlflow.source.type": "LOCAL"}
    wanted.tags["mlflow.source.name"] = "assay"
    wanted.params = _params(results, cell)
    if guarded:
        wanted.tags["assay.private"] = "true"
    runs: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for digest in cell.jobs:
        job = results.plan["jobs"][digest]
        name = role_name(results, cell, digest)
        folder = results.folder_of(digest)
        wanted.curves += _curve(results, digest, job, folder, name)
        if folder is None:
            continue
        runs.append((job, read_json(folder / "run.json") or {}))
        wanted.roles.append(folder_role(results, name, folder, guarded))
        if digest == cell.identity.digest and job["stage"] in ("train", "adjust", "compress", "pretrain"):
            wanted.model = folder
        if job["stage"] == "evaluate":
            _metrics(wanted, job, folder, runs[-1][1])
    _costs(wanted, runs)
    _environment(wanted, runs)
    if cell.identity.kind in ("trial", "tuning", "generator", "encoder"):
        wanted.sources = _sources(results, cell)
        wanted.teachers = [
            digest
            for job in (results.plan["jobs"][digest] for digest in cell.jobs)
            for role, digest in job["inputs"].items()
            if role.startswith("teacher/")
        ]
    if status in ("done", "failed"):
        wanted.roles += figures_role(results, cell, guarded)
    if status == "failed":
        wanted.roles += failure_role(results, cell, reason or "", guarded)
    if cell.identity.kind == "study":
        _study(results, wanted)
    return wanted


# -- params ------------------------------------------------------------------------------------------------------


def _params(results: Results, cell: Cell) -> dict[str, str]:
    """The resolved entry of the config, named by its dotted paths, with the entries that it refers to."""
    study, identity = results.study, cell.identity
    if identity.kind in ("arm", "trial", "tuning"):
        return _arm_params(study, identity)
    if identity.kind in ("generator", "encoder"):
        flat = flatten(study[f"{identity.kind}s"][identity.arm])
        return flat | {"seed": identity.seed} | _dataset_params(study, flat["dataset"])
    if identity.kind == "dataset":
        name = next(name for name in study["datasets"] if identity.arm in (name, *_likes(study, name)))
        own = {key.removeprefix("dataset."): value for key, value in _dataset_params(study, name).items()}
        return own | ({"seed": identity.seed} if identity.seed else {})
    return _study_params(study)


def _likes(study: dict[str, Any], name: str) -> list[str]:
    return [f"{name}-like-{other}" for other in study["datasets"]]


def _dataset_params(study: dict[str, Any], name: str) -> dict[str, str]:
    """A dataset's name and what it was declared with, and under their names the datasets behind it.

    That one is not private goes without saying.
    """
    flat: dict[str, str] = {}
    for one in reversed(lineage(study, name)):
        declared = {key: value for key, value in study["datasets"][one].items() if value is not False}
        flat |= flatten(declared, "dataset" if one == name else f"dataset.{legal(one)}")
    return flat | {"dataset": name}


def _study_params(study: dict[str, Any]) -> dict[str, str]:
    """What holds for all trials: what a seed varies, and how they are judged."""
    flat = {"evaluate": ", ".join(study["evaluate"])} if study.get("evaluate") else {}
    for key in ("vary", "scale", "variant", "keep", "evaluate"):
        flat |= flatten(study.get(key), key)
    return flat


def _arm_params(study: dict[str, Any], identity: Identity) -> dict[str, str]:
    declared = study["arms"][identity.arm]
    flat = flatten({key: value for key, value in declared.items() if key != "search"})
    flat |= _dataset_params(study, declared["dataset"])
    if declared.get("synthetic"):
        generator = study["generators"][declared["synthetic"]["generator"]]
        flat |= flatten(generator["method"] | {"teacher": generator.get("teacher")}, "generator")
    if (declared.get("init") or {}).get("encoder"):
        encoder = study["encoders"][declared["init"]["encoder"]]
        flat |= flatten({key: encoder[key] for key in ("method", "dataset")}, "encoder")
    search = declared.get("search")
    if search:
        flat |= {"search.trials": str(len(search["points"])), "search.by": str(search["by"])}
    if identity.kind == "tuning" and search and identity.seed.isdigit():
        flat |= flatten(search["points"][int(identity.seed)])
    elif identity.seed:
        flat |= {"seed": identity.seed} | flatten(study.get("vary"), "vary")
    return flat


# -- curves, metrics, cost ---------------------------------------------------------------------------------------


def _curve(results: Results, digest: str, job: dict[str, Any], folder: Path | None, name: str) -> list[Curve]:
    """The curve file of a job, sealed or under way; only stages that train have one."""
    if job["stage"] not in ("train", "adjust", "compress", "generator", "pretrain"):
        return []
    file = (folder or Layout(results.root).work / digest[:16]) / "curves.jsonl"
    return [Curve(name, file)] if file.exists() else []


def _metrics(wanted: Wanted, job: dict[str, Any], folder: Path, run: dict[str, Any]) -> None:
    family = str(job.get("part") or job["spec"]["family"]).partition("/")[0]
    time = int(run.get("finished", folder.stat().st_mtime) * 1000)
    for row in read_json(folder / "metrics.json") or []:
        keys = dict(row["keys"] or {})
        step = int(keys.pop("epoch")) if str(keys.get("epoch", "")).isdigit() else 0
        key = metric_key(family, row["metric"], keys)
        value = row["value"]
        if value is None or not math.isfinite(value):
            wanted.undefined[key] = row.get("note") or f"the value is {value}"
        else:
            wanted.points.append(Point(key, step, float(value), time))


def _costs(wanted: Wanted, runs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Seconds and peak memory of a run's jobs by stage, and when the first began and the last ended."""
    by_stage: dict[str, list[dict[str, Any]]] = {}
    for job, run in runs:
        if "seconds" in run:
            by_stage.setdefault(job["stage"], []).append(run)
    for stage, spent in by_stage.items():
        time = int(max(run["finished"] for run in spent) * 1000)
        values = {
            "seconds": sum(run["seconds"] for run in spent),
            "cpu-seconds": sum(run.get("cpu_seconds", 0.0) for run in spent),
            "peak-memory-bytes": max(run.get("peak_memory_bytes", 0) for run in spent),
        }
        wanted.points += [Point(f"job/{stage}/{name}", 0, float(value), time) for name, value in values.items()]
    started = [run["started"] for _, run in runs if "started" in run]
    started += [line["time"] for line in map(_first_line, wanted.curves) if line]
    wanted.started = min(started, default=None)
    wanted.finished = max((run["finished"] for _, run in runs if "finished" in run), default=None)


def _first_line(curve: Curve) -> dict[str, Any] | None:
    try:
        with curve.file.open(encoding="utf-8") as file:
            line = json.loads(file.readline())
    except (OSError, ValueError):
        return None
    return line if isinstance(line, dict) and "time" in line else None


def _environment(wanted: Wanted, runs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Commit, device, precision and versions, of the job that stands for the run or else of its last one.

    The study's commit is that of whoever publishes: its jobs may be from several.
    """
    own = [run for job, run in runs if job["digest"] == wanted.cell.identity.digest] or [run for _, run in runs[-1:]]
    run = own[0] if own else {}
    git = environment.git() if wanted.cell.identity.kind == "study" else run.get("git") or {}
    values = {
        "mlflow.source.git.commit": git.get("commit"),
        "assay.git.dirty": git.get("dirty"),
        "assay.device": run.get("device"),
        "assay.precision": run.get("precision"),
        "assay.threads": run.get("threads"),
        "assay.python": run.get("python"),
        "assay.packages": ", ".join(f"{name} {version}" for name, version in (run.get("packages") or {}).items()),
    }
    wanted.tags |= {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in values.items()
        if value not in (None, "")
    }


# -- datasets ----------------------------------------------------------------------------------------------------


def _sources(results: Results, cell: Cell) -> list[Source]:
    """The sealed datasets that a run's jobs read, each once, with everything that it is read for."""
    jobs = results.plan["jobs"]
    names = {record["jobs"][-1]: path for path, record in results.plan["records"].items() if record["stage"] == "data"}
    found: dict[str, Source] = {}
    for digest in cell.jobs:
        job = jobs[digest]
        if job["stage"] == "evaluate":
            continue
        for other in job["inputs"].values():
            if jobs[other]["stage"] not in ("data", "synthetic") or (folder := results.folder_of(other)) is None:
                continue
            name = names.get(other, "").removeprefix("datasets/") or f"synthetic/{cell.identity.arm}"
            source = found.setdefault(other, Source(name, other[:36], folder))
            use = job["spec"].get("split") or "train"
            source.uses += [use] if use not in source.uses else []
    return list(found.values())


# -- the study ---------------------------------------------------------------------------------------------------


def _study(results: Results, wanted: Wanted) -> None:
    wanted.roles += study_roles(results)
    wanted.tags |= {
        "assay.seeds": json.dumps(results.study["seeds"]),
        "assay.arms": str(len(results.arms)),
    }
    wanted.tags |= {f"assay.{key}": str(results.study[key]) for key in ("scale", "variant") if results.study.get(key)}
    time = int((wanted.finished or 0) * 1000)
    verdicts = results.verdicts()
    if verdicts:
        digests = sorted(digest_of_claim(claim) for claim in results.study["claims"])
        wanted.tags["assay.claims.digest"] = digest_of(digests)
        times = [declared["time"] for verdict in verdicts if (declared := verdict["declared"])]
        wanted.tags["assay.claims.declared"] = when(max(times)) if times else "unknown"
    for number, verdict in enumerate(verdicts, 1):
        wanted.tags[f"assay.claim.{number}"] = f"{verdict['verdict']}: {verdict['claim']}"
        wanted.tags[f"assay.claim.{number}.verdict"] = verdict["verdict"]
        if declared := verdict["declared"]:
            wanted.tags[f"assay.claim.{number}.declared"] = "after results" if declared["after_results"] else "before"
        low, high = verdict.get("interval") or (None, None)
        values = {"effect": verdict.get("effect"), "low": low, "high": high, "p-holm": verdict.get("p_holm")}
        for name, value in values.items():
            if isinstance(value, int | float) and math.isfinite(value):
                wanted.points.append(Point(joined("claims", str(number), name), 0, float(value), time))
    for word in ("supported", "refuted", "inconclusive") if verdicts else ():
        count = sum(verdict["verdict"] == word for verdict in verdicts)
        wanted.points.append(Point(f"claims/{word}", 0, float(count), time))
    wanted.tags["mlflow.note.content"] = _note(results, verdicts)


def _note(results: Results, verdicts: list[dict[str, Any]]) -> str:
    """The study's description and verdicts as Markdown, which MLflow shows on the run's page."""
    lines = [results.study.get("description") or "", ""]
    if verdicts:
        lines += ["| verdict | claim | effect | interval |", "|---|---|---|---|"]
    for verdict in verdicts:
        low, high = verdict.get("interval") or (None, None)
        effect = verdict.get("effect")
        lines.append(
            f"| {verdict['verdict']} | {verdict['claim']} | {_number(effect)} | {_number(low)} to {_number(high)} |"
        )
    return "\n".join(lines).strip()


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
