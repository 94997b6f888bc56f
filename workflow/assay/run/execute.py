"""How one job runs: once, under a lock, into a sealed folder, or into a failure that says why."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import LostProcessError
from assay.run.files import append_line, read_json, write_json
from assay.run.layout import Layout
from assay.run.lock import locked
from assay.run.plans import Plans
from assay.run.store import Store
from assay.study.jobs import Job

if TYPE_CHECKING:
    from assay.train.distributed import Peers

#: Errors of the machine, not of a method: the job is to run again, nothing is concluded from it.
_MACHINE = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOMEM, errno.EROFS, errno.EMFILE, errno.ENFILE,
    errno.ESTALE,
)  # fmt: skip


#: Stages that make the best of inputs that failed: claims say what is missing, a search leaves out a point.
_GO_ON = ("claims", "search")


class MissingInput(Exception):  # noqa: N818 - what is missing is no fault of the job
    """An input of a job stands nowhere and did not fail either."""


@dataclass
class Outcome:
    """What became of a job."""

    job: Job
    status: str
    reason: str | None = None
    headline: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)


#: The numbers of a job that its record tells at once.
Headline = dict[str, Any]


@dataclass
class Task:
    """What a stage works with: the job, the folders of its inputs, where to write, its work folder, and the cache of
    published files. In `stated` it puts what the machine decided, for `run.json`. `devices` are the names of those
    that it computes on, held by locks in `device_locks`; `peers` is there in one of several processes that do so
    together.
    """

    job: Job
    inputs: dict[str, Path]
    jobs: dict[str, Job]
    failed: dict[str, str]
    out: Path
    work: Path
    downloads: Path
    stated: dict[str, Any] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)
    device_locks: Path | None = None
    peers: Peers | None = None


@dataclass
class Ready:
    """A job that is to be computed: the jobs of its inputs that stand, why others failed, and what each input holds."""

    job: Job
    inputs: dict[str, Job]
    failed: dict[str, str]
    contents: dict[str, str]


def execute(job: Job, layout: Layout, *, forced_at: float = 0.0) -> Outcome:
    """Make sure that a job is done, and say what came of it.

    A sealed folder that was made from the inputs as they stand, after `forced_at` (seconds since 1970), is taken as
    it is. Whoever else asks for the same work meanwhile waits and takes the result.

    Raises:
        MissingInput: an input is not there.
        OSError, MemoryError: the machine gave out; the job is to run again.
    """
    if job.together:
        from assay.run.together import execute_together

        return execute_together([job], layout, forced_at={job.digest: forced_at})[job.digest]
    with locked(layout.job_lock(job.digest), about=str(os.getpid()), keep=False):
        found = begin(job, layout, forced_at)
        return found if isinstance(found, Outcome) else _compute(found, layout)


def begin(job: Job, layout: Layout, forced_at: float) -> Outcome | Ready:
    """What came of a job that needs no computation, or what one needs; the job's lock is held.

    Raises:
        MissingInput: an input is not there.
    """
    store = Store(layout)
    inputs, contents, failed = _inputs(job, layout, store)
    if store.stands(job, contents):
        run = read_json(store.place(job) / "run.json") or {}
        if run.get("finished", 0.0) >= forced_at:
            (layout.failures / f"{job.digest}.json").unlink(missing_ok=True)
            # A kill right after the rename leaves a work folder behind.
            shutil.rmtree(layout.work / job.digest[:16], ignore_errors=True)
            return Outcome(job, "done", headline=run.get("headline", {}), run=run)
    if failed and job.stage not in _GO_ON:
        reason = next(iter(failed.values()))
        return fail(job, layout, reason if reason.startswith("needs ") else f"needs {reason}")
    return Ready(job, inputs, failed, contents)


def _inputs(job: Job, layout: Layout, store: Store) -> tuple[dict[str, Job], dict[str, str], dict[str, str]]:
    """By role: the jobs of the inputs that stand, what each input holds (or `failed`), and why those failed."""
    plans = Plans(layout)
    found: dict[str, Job] = {}
    contents: dict[str, str] = {}
    failed: dict[str, str] = {}
    for role, digest in job.inputs.items():
        other = plans.job(digest)
        seal, reason = _outcome(other, layout, store)
        if seal is None and reason is None:
            # Another study may be putting it in place anew at this moment.
            with locked(layout.job_lock(digest), about=str(os.getpid()), keep=False):
                seal, reason = _outcome(other, layout, store)
        if seal is not None:
            found[role] = other
            contents[role] = seal["content"]
        elif reason is not None:
            failed[role] = reason if reason.startswith("needs ") else f"{other.label}: {reason}"
            contents[role] = "failed"
        else:
            raise MissingInput(f"{job.folder} needs {other.folder}, which does not stand; run `snakemake --cores all`")
    return found, contents, failed


def _outcome(job: Job, layout: Layout, store: Store) -> tuple[dict[str, Any] | None, str | None]:
    """The seal of a job, or why it failed; neither when it was not tried."""
    seal = store.seal(job)
    if seal is not None:
        return seal, None
    failure = read_json(layout.failures / f"{job.digest}.json")
    return None, failure["reason"] if failure else None


def _compute(ready: Ready, layout: Layout) -> Outcome:
    from assay.run.stages import compute

    clock = Clock()
    with building(ready, layout) as task, output_to(task.work / "log.txt"):
        try:
            headline = compute(task)
        except Exception as error:
            if of_the_machine(error):
                raise
            sys.stdout.flush()
            traceback.print_exc()
            shutil.rmtree(task.out)
            return fail(task.job, layout, f"{type(error).__name__}: {error}")
        sys.stdout.flush()
        return finish(ready, task, layout, headline, clock.spent())


class Clock:
    """What a computation costs from now on."""

    def __init__(self) -> None:
        self.started, self.clock, self.cpu = time.time(), time.monotonic(), _cpu_seconds()

    def spent(self, share: float = 1.0) -> dict[str, float]:
        """When it began and ended, and the seconds of it, or of a share of it; memory is that of the process."""
        return {
            "started": self.started,
            "finished": time.time(),
            "seconds": round((time.monotonic() - self.clock) * share, 3),
            "cpu_seconds": round((_cpu_seconds() - self.cpu) * share, 3),
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }


@contextmanager
def building(ready: Ready, layout: Layout) -> Iterator[Task]:
    """A task whose folder is built beside its place for the length of the block."""
    job, store = ready.job, Store(layout)
    work = layout.work / job.digest[:16]
    work.mkdir(parents=True, exist_ok=True)
    with store.building(job) as out:
        places = {role: store.place(other) for role, other in ready.inputs.items()}
        yield Task(job, places, ready.inputs, ready.failed, out, work, layout.downloads, device_locks=layout.devices)


def finish(
    ready: Ready, task: Task, layout: Layout, headline: dict[str, Any], spent: dict[str, float], **more: Any
) -> Outcome:
    """Seal what a task made, with how it went."""
    from assay.run.environment import environment

    job = task.job
    run = {
        "stage": job.stage,
        "label": job.label,
        "digest": job.digest,
        "spec": job.spec,
        "headline": headline,
        **spent,
        "precision": "fp32",
        "threads": job.spec.get("threads", 1),
        **more,
        "command": f"assay {job.stage} {layout.root / job.folder}",
        **environment(),
        **task.stated,
    }
    for name in ("curves.jsonl", "log.txt"):
        if (task.work / name).exists() and (task.work / name).stat().st_size:
            shutil.copyfile(task.work / name, task.out / name)
    write_json(task.out / "run.json", run)
    Store(layout).put(job, task.out, ready.contents)
    (layout.failures / f"{job.digest}.json").unlink(missing_ok=True)
    append_line(layout.journal, {"time": run["finished"], "stage": job.stage, "label": job.label, "digest": job.digest})
    shutil.rmtree(task.work, ignore_errors=True)
    return Outcome(job, "done", headline=headline, run=run)


def fail(job: Job, layout: Layout, reason: str) -> Outcome:
    """Keep why a job failed."""
    log = layout.work / job.digest[:16] / "log.txt"
    write_json(
        layout.failures / f"{job.digest}.json",
        {"reason": reason, "label": job.label, "stage": job.stage, "time": time.time(), "log": _tail(log)},
    )
    return Outcome(job, "failed", reason)


def _tail(log: Path, lines: int = 60) -> str:
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def of_the_machine(error: BaseException) -> bool:
    """Whether an error says something of the machine and nothing of the method."""
    if isinstance(error, MemoryError | LostProcessError) or (isinstance(error, OSError) and error.errno in _MACHINE):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("out of memory", "can't allocate memory", "No space left")
    )


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def output_to(file: Path) -> Iterator[None]:
    """Everything that this process prints, from compiled code too, goes to a file for the length of the block."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)
        os.close(handle)
