"""A training in several processes: one watches, the others work, and none outlives it.

The processes are started as commands of their own, `assay worker FILE`, so they are forks of the warm process where
there is one. Each reads its part of the job from a file. They find each other by another file, and talk over the
loopback interface.

The input of each worker is a pipe whose other end this process alone holds. However this process ends, by kill -9 too,
the pipe closes, and a worker that sees that ends at once.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from assay.errors import LostProcessError, MethodError
from assay.run.execute import Task, of_the_machine
from assay.run.files import read_json, write_json
from assay.study.jobs import Job

#: Seconds for workers to end by themselves once their pipe is closed.
_GRACE = 10.0
#: The status of a worker whose method failed, and which told why.
_FAILED = 3


class WorkerError(Exception):
    """A method failed in a worker, by something else than a `MethodError`."""


def shared(task: Task) -> dict[str, Any]:
    """Run a job's stage in one process for each of the task's devices; the headline of the first.

    Raises:
        LostProcessError: a worker was killed or gave up; the job is to run again.
        MethodError, WorkerError: the method failed in a worker.
    """
    with tempfile.TemporaryDirectory(prefix="workers-", dir=task.work) as name:
        folder = Path(name)
        workers = [_start(task, folder, rank) for rank in range(len(task.devices))]
        try:
            _watch(workers, folder)
        finally:
            _stop(workers)
        answers = [read_json(_answer(folder, rank)) for rank in range(len(workers))]
    task.stated |= answers[0]["stated"]
    used = resource.getrusage(resource.RUSAGE_SELF)
    task.stated |= {
        "devices": len(workers),
        "cpu_seconds": round(used.ru_utime + used.ru_stime + sum(answer["cpu_seconds"] for answer in answers), 3),
        "peak_memory_bytes": sum(answer["peak_memory_bytes"] for answer in answers),
    }
    headline: dict[str, Any] = answers[0]["headline"]
    return headline


def _start(task: Task, folder: Path, rank: int) -> subprocess.Popen[bytes]:
    about = {
        "rank": rank,
        "job": task.job.as_json(),
        "jobs": {role: job.as_json() for role, job in task.jobs.items()},
        "inputs": {role: str(path) for role, path in task.inputs.items()},
        **{key: str(getattr(task, key)) for key in ("out", "work", "downloads")},
        "failed": task.failed,
        "devices": task.devices,
    }
    file = folder / f"{rank}.json"
    write_json(file, about)
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
    return subprocess.Popen(
        [sys.executable, "-m", "assay.run.cli", "worker", str(file)],
        stdin=subprocess.PIPE,
        # What all print the same way is wanted once.
        stdout=None if rank == 0 else subprocess.DEVNULL,
        env={**os.environ, "GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback},
    )


def _answer(folder: Path, rank: int) -> Path:
    return folder / f"{rank}.answer.json"


def _watch(workers: list[subprocess.Popen[bytes]], folder: Path) -> None:
    """Wait until all workers are done, or one of them failed."""
    running = dict(enumerate(workers))
    while running:
        for rank, worker in list(running.items()):
            status = worker.poll()
            if status is None:
                continue
            del running[rank]
            if status == _FAILED:
                told = read_json(_answer(folder, rank))
                raise MethodError(told["reason"]) if told["method"] else WorkerError(told["reason"])
            if status != 0:
                how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
                raise LostProcessError(f"process {rank} of {len(workers)} {how}; run it again, and it goes on")
        time.sleep(0.02)


def _stop(workers: list[subprocess.Popen[bytes]]) -> None:
    """Close the pipes, and see to it that nobody is left."""
    for worker in workers:
        assert worker.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            worker.stdin.close()
    deadline = time.monotonic() + _GRACE
    for worker in workers:
        try:
            worker.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def work(file: Path) -> int:
    """Be one of the workers; the exit status."""
    threading.Thread(target=_end_with_the_pipe, daemon=True).start()
    about = read_json(file)
    answer = _answer(file.parent, about["rank"])
    try:
        told = _run(about, file.parent / "meeting")
    except Exception as error:
        traceback.print_exc()
        if of_the_machine(error):
            return 1
        is_method = isinstance(error, MethodError)
        reason = str(error) if is_method else f"{type(error).__name__}: {error}"
        write_json(answer, {"method": is_method, "reason": reason})
        return _FAILED
    used = resource.getrusage(resource.RUSAGE_SELF)
    write_json(
        answer,
        {**told, "cpu_seconds": used.ru_utime + used.ru_stime, "peak_memory_bytes": used.ru_maxrss * 1024},
    )
    return 0


def _run(about: dict[str, Any], meeting: Path) -> dict[str, Any]:
    import torch

    from assay.run.stages import compute
    from assay.train.distributed import Peers

    device = about["devices"][about["rank"]]
    peers = Peers(about["rank"], len(about["devices"]), meeting, torch.device(device))
    task = Task(
        Job.from_json(about["job"]),
        {role: Path(path) for role, path in about["inputs"].items()},
        {role: Job.from_json(job) for role, job in about["jobs"].items()},
        about["failed"],
        Path(about["out"]),
        Path(about["work"]),
        Path(about["downloads"]),
        devices=[device],
        peers=peers,
    )
    headline = compute(task)
    peers.close()
    return {"headline": headline, "stated": task.stated}


def _end_with_the_pipe() -> None:
    """End this process when whoever watches it is gone."""
    while os.read(0, 4096):
        pass
    os._exit(1)
