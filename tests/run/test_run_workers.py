"""A training in several processes: one result, one failure, and nobody left behind whoever is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from assay.run.execute import execute
from assay.run.layout import Layout
from assay.run.plans import Plans
from assay.run.store import Store
from assay.study.jobs import Job, Plan
from safetensors.torch import load_file

#: See `tests/train/test_distributed.py`.
TOLERANCE = 2e-4


@pytest.fixture(scope="module")
def socket() -> Iterator[str]:
    """Of the warm process that all tests here share."""
    with tempfile.TemporaryDirectory(prefix="assay-test-") as folder:
        yield f"{folder}/warm.sock"


@pytest.fixture
def training(
    planned: Callable[..., Plan], config: dict[str, Any], layout: Layout, monkeypatch: pytest.MonkeyPatch, socket: str
) -> Callable[..., Job]:
    """`training(recipe=..., devices=...)`: the job of a planned training, whose dataset stands."""
    monkeypatch.setenv("ASSAY_WARM", socket)

    def make(devices: int = 2, **recipe: Any) -> Job:
        arm = config["arms"]["baseline"]
        arm |= {"model": "tiny-cnn", "devices": devices, "precision": "fp32", "augment": ["crop"]}
        arm["recipe"] = {"method": "sgd", "epochs": 2, **recipe}
        plan = planned(config)
        Plans(layout).save(plan)
        for path in ("datasets/digits", "datasets/rare"):
            execute(plan.jobs[plan.records[path].jobs[0]], layout)
        return plan.jobs[plan.records["baseline/seed-0/train"].jobs[0]]

    return make


@pytest.fixture
def weights(store: Store) -> Callable[[Job], dict[str, torch.Tensor]]:
    return lambda job: load_file(store.place(job) / "model.safetensors")


def test_two_processes_leave_one_result(
    training: Callable[..., Job], layout: Layout, store: Store, weights: Callable[[Job], dict[str, torch.Tensor]]
) -> None:
    jobs = [training(devices) for devices in (1, 2)]
    assert jobs[0].digest != jobs[1].digest
    assert [execute(job, layout).status for job in jobs] == ["done", "done"]
    alone, together = map(weights, jobs)
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, atol=TOLERANCE, rtol=TOLERANCE)
    names = [{file.name for file in store.place(job).iterdir()} - {"log.txt"} for job in jobs]
    assert names[0] == names[1]
    runs = [json.loads((store.place(job) / "run.json").read_text()) for job in jobs]
    assert "devices" not in runs[0]
    assert runs[1]["devices"] == 2
    assert runs[1]["device"] == runs[0]["device"]
    assert runs[1]["peak_memory_bytes"] > runs[0]["peak_memory_bytes"]
    assert (store.place(jobs[1]) / "log.txt").read_text().count("epoch 2/2") == 1
    curves = [(store.place(job) / "curves.jsonl").read_text().splitlines() for job in jobs]
    assert len(curves[0]) == len(curves[1])
    assert [json.loads(line)["stage"] for line in layout.journal.read_text().splitlines()].count("train") == 2
    assert not list(layout.work.iterdir())


def test_a_method_that_fails_in_a_worker_fails_as_it_does_alone(training: Callable[..., Job], layout: Layout) -> None:
    alone, together = (execute(training(devices, lr=1e30, warmup=0.0), layout) for devices in (1, 2))
    assert alone.status == together.status == "failed"
    assert together.reason == alone.reason
    assert "MethodError: the" in str(alone.reason)


def _processes(*words: str) -> list[int]:
    """The living processes whose command line has all of some words."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and all(word in command for word in words):
            found.append(int(entry.name))
    return found


def _wait(condition: Callable[[], Any], what: str) -> None:
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"waited in vain: {what}")


@pytest.fixture
def started(layout: Layout, store: Store) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`started(job)`: the job's command, once its processes train; `whole=True` waits for its end instead."""
    commands = []

    def start(job: Job, *, whole: bool = False, cold: bool = False) -> subprocess.Popen[str]:
        seconds = "30" if whole else "0"
        command = subprocess.Popen(
            [sys.executable, "-m", "assay.run.cli", "train", store.place(job).relative_to(layout.root.parent)],
            env={**os.environ, "ASSAY_CHECKPOINT_SECONDS": seconds, "ASSAY_COLD": str(int(cold))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        commands.append(command)
        if whole:
            text = command.communicate(timeout=120)[0]
            assert command.returncode == 0, text
            return command
        before = time.time()
        checkpoint = layout.work / job.digest[:16] / "checkpoint.safetensors"
        _wait(
            lambda: command.poll() is not None or (checkpoint.exists() and checkpoint.stat().st_mtime > before),
            "a checkpoint",
        )
        assert command.poll() is None, command.communicate()[0]
        return command

    yield start
    for command in commands:
        command.kill()
        command.wait()


@pytest.fixture
def kill(
    layout: Layout, store: Store, started: Callable[..., subprocess.Popen[str]], socket: str
) -> Callable[[Job, int | None, int, bool], None]:
    """`kill(job, rank, number, cold)`: start a job, send a signal to a worker or (None) to the job itself, and see that
    nobody stays and nothing is sealed.
    """

    def run(job: Job, rank: int | None, number: int, cold: bool) -> None:
        command = started(job, cold=cold)
        workers = [_processes("worker", job.digest[:16], f"/{each}.json") for each in range(2)]
        assert [len(found) for found in workers] == [1, 1]
        os.kill(command.pid if rank is None else workers[rank][0], number)
        text = command.communicate(timeout=60)[0]
        if rank is None:
            assert command.returncode == -number
        else:
            assert command.returncode > 0
            assert "LostProcessError: process" in text
        _wait(lambda: not _processes("worker", job.digest[:16]), "the workers' end")
        # What is left of the warm process is itself alone.
        _wait(lambda: len(_processes(socket)) <= 1, "the end of the workers' forks")
        assert not store.place(job).exists()
        assert not list(layout.failures.glob("*"))
        assert (layout.work / job.digest[:16] / "checkpoint.safetensors").exists()

    return run


def test_whoever_is_killed_nobody_stays_and_the_next_run_goes_on(
    training: Callable[..., Job],
    layout: Layout,
    store: Store,
    started: Callable[..., subprocess.Popen[str]],
    kill: Callable[[Job, int | None, int, bool], None],
    weights: Callable[[Job], dict[str, torch.Tensor]],
) -> None:
    job = training(epochs=40, batch=64)
    for rank, number in ((1, signal.SIGKILL), (0, signal.SIGKILL), (None, signal.SIGKILL), (None, signal.SIGTERM)):
        kill(job, rank, number, False)
    started(job, whole=True)
    assert "resuming at step" in (store.place(job) / "log.txt").read_text()
    steps = [json.loads(line)["step"] for line in (store.place(job) / "curves.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))
    disturbed = weights(job)
    # The same work under another results folder, where nobody disturbs it.
    calm = Layout(layout.root.parent / "calm")
    layout.root.rename(calm.root)
    shutil.rmtree(Store(calm).place(job))
    assert execute(job, calm).status == "done"
    undisturbed = load_file(Store(calm).place(job) / "model.safetensors")
    assert all(torch.equal(disturbed[name], value) for name, value in undisturbed.items())


def test_without_a_warm_process_nobody_stays_either(
    training: Callable[..., Job], kill: Callable[[Job, int | None, int, bool], None]
) -> None:
    job = training(epochs=40, batch=64)
    kill(job, 1, signal.SIGKILL, True)
    kill(job, None, signal.SIGKILL, True)
