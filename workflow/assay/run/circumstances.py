"""Under which circumstances the results of a study came about: command, devices, versions, commits and time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.run.files import read_json
from assay.run.results import Results


@dataclass(frozen=True)
class Circumstances:
    """What the `run.json` of all sealed jobs of a study say, each value once.

    Attributes:
        devices: processors and accelerators that jobs ran on.
        precisions: number formats that jobs computed in.
        pythons: versions of Python.
        packages: the versions of each package that can change what a computation returns.
        commits: commits of the working directory, with ` (changed)` where tracked files differed from it.
        started: when the first job began, in seconds since 1970, or None when no job says.
        finished: when the last job ended, likewise.
        seconds: what all jobs took together, one after the other.
        jobs: sealed jobs that the study needs; `planned` are all that it needs.
    """

    devices: list[str]
    precisions: list[str]
    pythons: list[str]
    packages: dict[str, list[str]]
    commits: list[str]
    started: float | None
    finished: float | None
    seconds: float
    jobs: int
    planned: int


def circumstances(results: Results) -> Circumstances:
    """Read the circumstances of a study from the sealed folders of its jobs."""
    folders = {digest: results.folder_of(digest) for digest in results.plan["jobs"]}
    runs = [read_json(folder / "run.json") or {} for folder in folders.values() if folder is not None]
    packages: dict[str, set[str]] = {}
    for run in runs:
        for name, version in (run.get("packages") or {}).items():
            packages.setdefault(name, set()).add(str(version))
    return Circumstances(
        devices=_each(run.get("device") for run in runs),
        precisions=_each(run.get("precision") for run in runs),
        pythons=_each(run.get("python") for run in runs),
        packages={name: sorted(versions) for name, versions in packages.items()},
        commits=_each(_commit(run.get("git") or {}) for run in runs),
        started=min((run["started"] for run in runs if "started" in run), default=None),
        finished=max((run["finished"] for run in runs if "finished" in run), default=None),
        seconds=sum(run.get("seconds", 0.0) for run in runs),
        jobs=len(runs),
        planned=len(folders),
    )


def _each(values: Any) -> list[str]:
    return sorted({str(value) for value in values if value})


def _commit(git: dict[str, Any]) -> str | None:
    return f"{git['commit']} (changed)" if git.get("commit") and git.get("dirty") else git.get("commit")


def config_of(results: Results) -> str:
    """The file of a study's config as one may tell it to others: below the working directory, or by its name alone."""
    file = Path(results.plan.get("file") or "config.yaml")
    return file.as_posix() if not file.is_absolute() and ".." not in file.parts else file.name


def command_of(results: Results) -> str:
    """The command that starts a study as it was started."""
    return starts(config_of(results), results.study.get("variant"), results.study.get("scale"))


def starts(file: str, variant: str | None = None, scale: str | None = None) -> str:
    """The command that starts the study in a file."""
    wanted = {} if file == "config.yaml" else {"study": file}
    wanted |= {key: value for key, value in (("variant", variant), ("scale", scale)) if value}
    said = " ".join(f"{key}={value}" for key, value in wanted.items())
    return "snakemake --cores all" + (f" --config {said}" if said else "")


def moment(seconds: float) -> str:
    """A time by ISO 8601, in UTC to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds))
