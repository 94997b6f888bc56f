"""File locks that die with their holder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(Exception):  # noqa: N818 - a state of affairs, not a fault
    """Somebody else holds the lock. `holder` is what they wrote about themselves."""

    def __init__(self, holder: str):
        self.holder = holder
        super().__init__(holder)


@contextmanager
def locked(path: Path, *, wait: bool = True, about: str = "", keep: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on `path` for the length of a `with` block.

    The kernel frees it when the holder dies, by kill -9 too, so no stale lock is ever left.

    Args:
        path: the lock file; made when missing.
        wait: False raises `Busy` at once instead of waiting.
        about: written into the file for whoever is refused.
        keep: False removes the file afterwards, for locks that are many and used once.

    Raises:
        Busy: the lock is held and `wait` is False.
    """
    handle = acquire(path, wait=wait, about=about)
    try:
        yield
    finally:
        if not keep:
            path.unlink(missing_ok=True)
        os.close(handle)


def acquire(path: Path, *, wait: bool = True, about: str = "") -> int:
    """Take the lock and return its file descriptor; closing it, or the end of the process, frees it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            holder = os.pread(handle, 4096, 0).decode(errors="replace")
            os.close(handle)
            raise Busy(holder) from None
        # Whoever held it before may have removed the file: a lock on a file without a name guards nothing.
        try:
            same = os.fstat(handle).st_ino == path.stat().st_ino
        except FileNotFoundError:
            same = False
        if same:
            os.ftruncate(handle, 0)
            os.pwrite(handle, about.encode(), 0)
            return handle
        os.close(handle)
