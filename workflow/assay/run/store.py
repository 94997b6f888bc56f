"""The store: sealed folders, each the result of one job, found by digest.

A folder is built under a hidden name beside its place, every file is flushed, the seal is written last, and one rename
puts it in place. A reader therefore finds a whole folder or none.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assay.run import faults
from assay.run.files import canonical, read_json, sha256_file, sha256_text, write_json
from assay.run.layout import Layout
from assay.run.lock import Busy, locked
from assay.study.jobs import Job

#: Files that tell how a job went, not what came out: they differ each time and do not count as contents.
VOLATILE = ("run.json", "log.txt", "curves.jsonl")


class Store:
    """Sealed folders below one results folder."""

    def __init__(self, layout: Layout):
        self.layout = layout

    def place(self, job: Job) -> Path:
        """Where a job's folder stands or will stand."""
        return self.layout.root / job.folder

    def seal(self, job: Job) -> dict[str, Any] | None:
        """The seal of a job's folder, or None when there is none for exactly this job."""
        found = read_json(self.place(job) / "seal.json")
        return found if found and found.get("digest") == job.digest else None

    def newest(self, jobs: Iterable[Job]) -> int:
        """When the last of some jobs' folders was sealed, in ns since 1970; 0 when none is there."""
        stamps = [0]
        for job in jobs:
            with contextlib.suppress(FileNotFoundError):
                stamps.append((self.place(job) / "seal.json").stat().st_mtime_ns)
        return max(stamps)

    def stands(self, job: Job, inputs: dict[str, str]) -> bool:
        """Whether the job is done for inputs with these contents (role to content digest)."""
        seal = self.seal(job)
        return seal is not None and all(
            seal["inputs"].get(role, content) == content for role, content in inputs.items()
        )

    @contextmanager
    def building(self, job: Job) -> Iterator[Path]:
        """A fresh hidden folder to build in; removed when the block raises."""
        place = self.place(job)
        hidden = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.rmtree(hidden, ignore_errors=True)
        hidden.mkdir(parents=True)
        try:
            yield hidden
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise

    def put(self, job: Job, hidden: Path, inputs: dict[str, str]) -> None:
        """Seal a folder that was built and move it into place, instead of one that may stand there."""
        contents = {}
        for file in sorted(path for path in hidden.rglob("*") if path.is_file()):
            _flush(file)
            about = file.stat()
            contents[file.relative_to(hidden).as_posix()] = {
                "size": about.st_size,
                "sha256": sha256_file(file),
                "stat": _signature(about),
            }
        whole = {name: entry["sha256"] for name, entry in contents.items() if name not in VOLATILE}
        seal = {
            "digest": job.digest,
            "content": sha256_text(canonical(whole)),
            "inputs": inputs,
            "contents": contents,
        }
        faults.point(f"seal:{job.stage}")
        write_json(hidden / "seal.json", seal)
        _flush(hidden)
        place = self.place(job)
        if place.exists():
            self.discard(place)
        faults.point(f"rename:{job.stage}")
        hidden.rename(place)
        _flush(place.parent)
        faults.point(f"renamed:{job.stage}")

    def discard(self, place: Path) -> None:
        """Take a folder out of sight at once, then delete it."""
        gone = place.with_name(f".{place.name}.gone.{os.getpid()}")
        place.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def altered(self, place: Path, known: dict[str, Any]) -> str | None:
        """What is wrong with a sealed folder, or None.

        A file whose size and times are those of the seal, or those of its last full check in `known` (folder name to
        file to signature; updated here), is taken to be whole; any other is hashed.
        """
        seal = read_json(place / "seal.json")
        if seal is None:
            return "has no seal"
        checked = known.get(place.name, {})
        for name, entry in seal["contents"].items():
            try:
                about = (place / name).stat()
            except FileNotFoundError:
                return f"lacks {name}"
            if _signature(about) in (entry["stat"], checked.get(name)):
                continue
            if about.st_size != entry["size"] or sha256_file(place / name) != entry["sha256"]:
                return f"{name} is not what was sealed"
            known.setdefault(place.name, {})[name] = _signature(about)
        return None

    def sweep(self) -> None:
        """Remove what builders that died left behind."""
        for hidden in self.left_behind():
            with contextlib.suppress(Busy), locked(self._lock_of(hidden), wait=False, keep=False):
                shutil.rmtree(hidden, ignore_errors=True)

    def left_behind(self) -> Iterator[Path]:
        """Hidden folders that nobody is building or deleting: those whose job's lock is free.

        The number of the process in a name would not tell: on a cluster it may live on another machine.
        """
        for hidden in sorted(self.layout.store.glob("*/.*")):
            try:
                with locked(self._lock_of(hidden), wait=False, keep=False):
                    pass
            except Busy:
                continue
            yield hidden

    def _lock_of(self, hidden: Path) -> Path:
        """The lock of the job whose folder is hidden under `.<label>-<digest>.<process>`, or `....gone.<process>`."""
        name = hidden.name.rpartition(".")[0].removesuffix(".gone")
        return self.layout.job_lock(name.rpartition("-")[2])


def _signature(about: os.stat_result) -> list[int]:
    return [about.st_size, about.st_mtime_ns, about.st_ctime_ns]


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
