"""The warm process itself: it holds the libraries and forks a job for each caller (see `assay.run.warm`)."""

from __future__ import annotations

import array
import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from assay.run.lock import Busy, acquire
from assay.run.warm import IDLE, LIBRARIES


def serve(path: Path, libraries: Sequence[str] = LIBRARIES, idle: float = IDLE) -> int:
    """Be the warm process of a socket, unless there is one; ends after idling for `idle` seconds."""
    try:
        acquire(path.with_suffix(".lock"), wait=False, about=str(os.getpid()))
    except Busy:
        return 0
    path.unlink(missing_ok=True)
    for library in libraries:
        import_module(library)
    # Frozen objects are left alone by the collector, so forks share their memory.
    gc.freeze()
    _Server(path, idle).run()
    # At once: until this process is gone nobody else can take its place.
    os._exit(0)


class _Server:
    """Accepts requests, forks jobs, passes signals to them and their exit status back."""

    def __init__(self, path: Path, idle: float):
        self._path = path
        self._idle = idle
        self._jobs: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX)
        beside = path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        self._listener.bind(str(beside))
        self._listener.listen(256)
        beside.rename(path)
        self._selector.register(self._listener, selectors.EVENT_READ)
        # A child that ends writes to this pipe, so the loop below wakes up at once.
        self._woken, waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._woken, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve until there was nothing to do for a while, or until the socket was taken away."""
        last = time.monotonic()
        while self._jobs or (time.monotonic() - last < self._idle and self._path.exists()):
            for key, _ in self._selector.select(timeout=min(5.0, self._idle)):
                last = time.monotonic()
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj == self._woken:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._woken, 4096)
                    self._reap()
                else:
                    self._heard(key.fileobj, key.data)  # type: ignore[arg-type]
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(5.0)
        streams = array.array("i")
        try:
            head, ancillary, _, _ = connection.recvmsg(4, socket.CMSG_SPACE(3 * 4))
            streams.frombytes(ancillary[0][2])
            (length,) = struct.unpack("!I", head)
            text = b""
            while len(text) < length:
                part = connection.recv(length - len(text))
                if not part:
                    raise ConnectionError
                text += part
            request = json.loads(text)
        except (OSError, IndexError, struct.error, ValueError):
            connection.close()
            for stream in streams:
                os.close(stream)
            return
        server, pid = os.getpid(), os.fork()
        if pid == 0:
            self._listener.close()
            _become_job(request, list(streams), server)
        with contextlib.suppress(OSError):
            # The job does the same; whoever comes first, it leads a group before anybody signals it.
            os.setpgid(pid, pid)
        for stream in streams:
            os.close(stream)
        self._jobs[pid] = connection
        with contextlib.suppress(OSError):
            # A caller that is gone already shows as the end of the connection, below.
            connection.sendall(b"s")
        self._selector.register(connection, selectors.EVENT_READ, pid)

    def _heard(self, connection: socket.socket, pid: int) -> None:
        """A signal for a job, or the end of its caller."""
        if self._jobs.get(pid) is not connection:
            return  # it ended in this very moment
        try:
            numbers = connection.recv(16)
        except OSError:
            numbers = b""
        with contextlib.suppress(OSError):
            if numbers:
                for number in numbers:
                    os.killpg(pid, number)
            else:
                os.killpg(pid, signal.SIGKILL)
        if not numbers:
            self._selector.unregister(connection)

    def _reap(self) -> None:
        while self._jobs:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            connection = self._jobs.pop(pid)
            with contextlib.suppress(OSError):
                connection.sendall(struct.pack("!i", os.waitstatus_to_exitcode(status)))
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(connection)
            connection.close()


def _become_job(request: dict[str, Any], streams: list[int], server: int) -> NoReturn:
    """Turn a fork of the warm process, whose number is `server`, into the job; never returns."""
    os.setpgid(0, 0)
    _die_with_parent()
    if os.getppid() != server:
        os._exit(1)  # it died before the kernel was asked
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["env"])
    os.umask(request["umask"])
    os.chdir(request["cwd"])
    sys.path[:] = request["path"]
    # The job reads our own modules afresh: the files may have changed since this process started.
    for name in [name for name in sys.modules if name == "assay" or name.startswith("assay.")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    try:
        code = import_module("assay.run.cli").job(request["argv"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when the warm process dies (Linux; elsewhere the job goes on)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1])))
