"""Locks: one holder at a time, freed by the holder's death, never held on a file that has lost its name."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from assay.run.lock import Busy, acquire, locked

_HOLD = """
import sys, time
from pathlib import Path
from assay.run.lock import acquire
acquire(Path(sys.argv[1]), about="somebody")
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "a.lock"


def _holder(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", _HOLD, lock], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_one_is_told_who_holds_it(lock: Path) -> None:
    with locked(lock, about="me"):
        with pytest.raises(Busy) as refused:
            acquire(lock, wait=False)
        assert refused.value.holder == "me"
    with locked(lock, wait=False):
        assert lock.read_text() == "", "who held it before is forgotten"


def test_a_lock_dies_with_its_holder(lock: Path) -> None:
    holder = _holder(lock)
    with pytest.raises(Busy, match="somebody"):
        acquire(lock, wait=False)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with locked(lock, wait=False):
        pass


def test_whoever_waits_gets_it_when_the_holder_dies(lock: Path) -> None:
    holder = _holder(lock)
    got = threading.Event()

    def wait() -> None:
        with locked(lock):
            got.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not got.is_set()
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    waiter.join(timeout=30)
    assert got.is_set()


def test_a_lock_of_no_further_use_leaves_no_file(lock: Path) -> None:
    with locked(lock, keep=False):
        assert lock.exists()
    assert not lock.exists()
    with pytest.raises(ZeroDivisionError), locked(lock, keep=False):
        raise ZeroDivisionError
    assert not lock.exists()


def test_a_file_that_was_removed_meanwhile_guards_nothing(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One who waited on a file that the holder then removed has to take the lock on the file of that name."""
    asked = threading.Event()
    take = fcntl.flock

    def asking(handle: int, how: int) -> None:
        asked.set()
        take(handle, how)

    first = acquire(lock)
    monkeypatch.setattr(fcntl, "flock", asking)
    second: list[int] = []
    waiter = threading.Thread(target=lambda: second.append(acquire(lock)))
    waiter.start()
    # From here on the waiter has the old file open.
    assert asked.wait(timeout=30)
    lock.unlink()
    third = acquire(lock, wait=False)
    os.close(first)
    waiter.join(timeout=0.3)
    assert not second, "it holds a file without a name, and somebody else the one with the name"
    os.close(third)
    waiter.join(timeout=30)
    assert second
    with pytest.raises(Busy):
        acquire(lock, wait=False)
    os.close(second[0])


def test_many_at_once_are_let_in_one_by_one(lock: Path) -> None:
    inside, most = [0], [0]

    def enter() -> None:
        for _ in range(20):
            with locked(lock, keep=False):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert most == [1]
    assert inside == [0]
