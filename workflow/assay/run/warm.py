"""Jobs that start at once: forks of a process that has the libraries imported already.

A cold job pays seconds to import torch and its kin; a fork of a process that did so before pays milliseconds. The warm
process imports libraries only, none of our own modules, so a change of our code can never meet an old copy. It is
started on demand, one for each environment and working directory, and ends after idling.

The caller hands over its arguments, environment, directory and standard streams through a Unix socket. The forked job
leads a process group of its own; when its caller dies the job dies, and a signal to the caller reaches the job. Exit
codes pass through. `ASSAY_COLD=1` turns all this off, and whenever the warm process cannot be had the job runs cold.
"""

from __future__ import annotations

import array
import contextlib
import hashlib
import json
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

#: Libraries that jobs use; imported once.
LIBRARIES = (
    "numpy", "torch", "torch.nn.functional", "torch.optim", "safetensors.torch", "PIL.Image", "scipy.stats",
    "scipy.optimize", "sklearn.neighbors", "sklearn.linear_model", "sklearn.datasets", "torch.utils.flop_counter",
    "imblearn.over_sampling", "matplotlib.font_manager", "PIL.ImageFont", "PIL.PngImagePlugin", "sqlite3",
)  # fmt: skip

#: Seconds without a job after which the warm process ends.
IDLE = 120.0


def address() -> Path:
    """The socket of this environment and working directory; its name changes when packages are installed.

    A job of a cluster or a container has one of its own too: what runs elsewhere is none of its cores and memory, and
    does not end with it. `ASSAY_WARM` names another socket, for working directories that are to share a process.
    """
    if os.environ.get("ASSAY_WARM"):
        return Path(os.environ["ASSAY_WARM"])
    site = Path(sys.prefix) / "lib"
    packages = next(iter(sorted(site.glob("python*/site-packages"))), site)
    path = os.environ.get("PYTHONPATH", "")
    about = [sys.executable, os.getcwd(), path, packages.stat().st_mtime_ns, LIBRARIES, IDLE, _confines()]
    name = hashlib.sha256(repr(about).encode()).hexdigest()[:20]
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"assay-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder / f"{name}.sock"


def _confines() -> str:
    """The control group that this process is accounted to (Linux; elsewhere nothing)."""
    try:
        return Path("/proc/self/cgroup").read_text(encoding="utf-8")
    except OSError:
        return ""


def _umask() -> int:
    """The permissions that new files of this process do not get."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def call(arguments: list[str]) -> int | None:
    """Run a command in a fork of the warm process; its exit status, or None when it has to run cold."""
    try:
        connection = _connect(address())
    except OSError:
        return None
    if connection is None:
        return None
    with connection:
        about = {"cwd": os.getcwd(), "umask": _umask(), "env": dict(os.environ), "path": sys.path}
        request = json.dumps({"argv": arguments, **about}).encode()
        streams = array.array("i", [0, 1, 2])
        try:
            connection.sendmsg(
                [struct.pack("!I", len(request))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams.tobytes())]
            )
            connection.sendall(request)
            started = connection.recv(1)
        except OSError:
            return None
        if started != b"s":
            return None

        def pass_on(number: int, _frame: object) -> None:
            with contextlib.suppress(OSError):
                connection.sendall(bytes([number]))

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, pass_on)
        answer = b""
        while len(answer) < 4:
            part = connection.recv(4 - len(answer))
            if not part:
                # The warm process itself was killed, and its jobs with it.
                return 128 + signal.SIGKILL
            answer += part
        status: int = struct.unpack("!i", answer)[0]
    if status < 0:
        # The job died of a signal; so does its caller, as if it had been the job.
        with contextlib.suppress(OSError):
            # SIGKILL has no handler that could be taken off.
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
        return 128 - status
    return status


def _connect(path: Path) -> socket.socket | None:
    """A connection to the warm process, started if there is none; None if it does not come up."""
    deadline = time.monotonic() + 60
    started: subprocess.Popen[bytes] | None = None
    while time.monotonic() < deadline:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
        if started is None:
            started = _start(path)
        elif started.poll():
            return None
        time.sleep(0.05)
    return None


def _start(path: Path) -> subprocess.Popen[bytes]:
    import subprocess

    log = path.with_suffix(".log")
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "assay.run.warm_server", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
