"""Jobs in forks of a warm process behave as if they were processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from assay.run import cli, warm

#: Stands for the package's own command line in the job: it runs the text that it is given.
JOB = """
def job(arguments):
    code = 0
    scope = {}
    exec(arguments[0], scope)
    return scope.get("code", 0)
"""

CALL = """
import sys
from assay.run.warm import call
sys.path.insert(0, {fake!r})
status = call(sys.argv[1:])
sys.exit(99 if status is None else status)
"""

SERVE = """
import sys
from pathlib import Path
from assay.run.warm_server import serve
sys.exit(serve(Path(sys.argv[1]), libraries=("json",), idle=float(sys.argv[2])))
"""

Call = Callable[..., "subprocess.Popen[str]"]


def _wait(condition: Callable[[], Any], what: str) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"waited in vain: {what}")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fake")
    (folder / "assay/run").mkdir(parents=True)
    for package in ("assay", "assay/run"):
        (folder / package / "__init__.py").touch()
    (folder / "assay/run/cli.py").write_text(JOB)
    return folder


@pytest.fixture
def address() -> Iterator[Path]:
    """A socket of a short name: the kernel takes no more than a hundred letters."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "warm.sock"


@pytest.fixture
def serve(address: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(idle: float = 100.0, wait: bool = True) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-c", SERVE, str(address), str(idle)]))
        if wait:
            _wait(address.exists, "the warm process")
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def call(address: Path, fake: Path) -> Iterator[Call]:
    """`call(code)`: a caller whose job runs `code`; what it prints is piped."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, **options: Any) -> subprocess.Popen[str]:
        environment = {**os.environ, "ASSAY_WARM": str(address), **options.pop("env", {})}
        words = [sys.executable, "-c", CALL.format(fake=str(fake)), code]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(words, env=environment, **pipes, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_job_has_what_its_caller_has(serve: Any, call: Call, tmp_path: Path) -> None:
    server = serve()
    code = "import os, json; print(json.dumps([os.getcwd(), os.environ['MINE'], os.umask(0), os.getppid()]))"
    told = []
    for number in (1, 2):
        folder = tmp_path / f"dir-{number}"
        folder.mkdir()
        process = call(code, env={"MINE": f"é{number}"}, cwd=folder, umask=0o020 + number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        told.append(json.loads(out))
    assert told == [[str(tmp_path / f"dir-{n}"), f"é{n}", 0o020 + n, server.pid] for n in (1, 2)]


def test_streams_are_those_of_the_caller(serve: Any, call: Call) -> None:
    serve()
    process = call("import sys; print(sys.stdin.readline()[::-1]); print('bad', file=sys.stderr)")
    assert process.communicate("abc\n", timeout=60) == ("\ncba\n", "bad\n")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("pass", 0),
        ("code = 3", 3),
        ("raise SystemExit(4)", 4),
        ("raise SystemExit('no')", 1),
        ("raise ValueError('no')", 1),
        ("import os; os._exit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
    ],
)
def test_exit_codes_pass_through(serve: Any, call: Call, code: str, status: int) -> None:
    serve()
    process = call(code)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert ("ValueError: no" in err) == ("ValueError" in code)
    assert "warm.py" not in err


def test_a_signal_reaches_the_job(serve: Any, call: Call) -> None:
    serve()
    process = call("import time; print('up', flush=True); time.sleep(600)")
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM


def test_a_job_may_handle_a_signal(serve: Any, call: Call) -> None:
    serve()
    process = call(
        "import signal, sys, time\n"
        "def end(*_): print('bye', flush=True); sys.exit(5)\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True); time.sleep(600)"
    )
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (5, "bye\n")


def test_a_job_ends_with_its_caller_and_the_others_go_on(serve: Any, call: Call) -> None:
    serve()
    sleep = "import os, sys, time; print(os.getpid(), flush=True); sys.stdin.readline()"
    doomed, other = call(sleep), call(sleep)
    assert doomed.stdout
    assert other.stdout
    pids = [int(process.stdout.readline()) for process in (doomed, other)]
    doomed.kill()
    doomed.wait()
    _wait(lambda: not _alive(pids[0]), "the end of the job")
    assert _alive(pids[1])
    other.communicate("\n", timeout=60)
    assert other.returncode == 0


def test_a_caller_that_is_gone_before_its_job_began_harms_nobody(serve: Any, call: Call, address: Path) -> None:
    """The answer cannot be delivered; the warm process, and with it the jobs of everybody else, must live."""
    server = serve()
    other = call("import sys; print('up', flush=True); sys.stdin.readline()")
    assert other.stdout
    assert other.stdout.readline() == "up\n"
    request = json.dumps({"argv": ["pass"], "cwd": "/", "umask": 0, "env": {}, "path": sys.path}).encode()
    for broken in (request, request[:10], b""):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(address))
        socket.send_fds(connection, [len(request).to_bytes(4, "big")], [0, 1, 2])
        connection.sendall(broken)
        connection.close()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(address))
    connection.close()
    last = call("print('fine')")
    assert last.communicate(timeout=60)[0] == "fine\n"
    assert server.poll() is None
    # Nothing of what was handed over by those who went away is still open.
    assert len(os.listdir(f"/proc/{server.pid}/fd")) < 20
    other.communicate("\n", timeout=60)
    assert other.returncode == 0


def test_the_warm_process_is_killed_and_its_jobs_with_it(serve: Any, call: Call) -> None:
    server = serve()
    process = call("import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    assert process.stdout
    pid = int(process.stdout.readline())
    server.kill()
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGKILL
    _wait(lambda: not _alive(pid), "the end of the job")


def test_it_ends_when_idle_and_not_before(serve: Any, call: Call, address: Path) -> None:
    server = serve(idle=0.3)
    process = call("import time; time.sleep(1)")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert server.wait(timeout=60) == 0
    assert not address.exists()


def test_it_ends_when_its_socket_is_taken_away(serve: Any, address: Path) -> None:
    server = serve(idle=1000)
    address.unlink()
    # It looks every few seconds; a visitor at its old door makes it look at once, but there is none.
    server.send_signal(signal.SIGCHLD)
    assert server.wait(timeout=60) == 0


def test_of_many_that_start_at_once_one_stays(serve: Any, call: Call) -> None:
    servers = [serve(wait=False) for _ in range(5)]
    _wait(lambda: sum(server.poll() is None for server in servers) == 1, "the others to give way")
    assert {server.returncode for server in servers} == {None, 0}
    process = call("pass")
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_the_first_callers_start_one_warm_process(call: Call, address: Path) -> None:
    code = "import os, torch; print(os.getppid())"
    processes = [call(code) for _ in range(8)]
    parents = {process.communicate(timeout=200)[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 8
    (parent,) = parents
    os.kill(int(parent), signal.SIGKILL)


def test_without_a_warm_process_the_job_runs_cold(call: Call, address: Path) -> None:
    address.with_suffix(".lock").mkdir()  # nobody can be the warm process of this socket
    process = call("pass")
    process.communicate(timeout=100)
    assert process.returncode == 99


def test_cold_jobs_call_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(warm, "call", lambda arguments: called.append(arguments) or 7)
    monkeypatch.setattr(cli, "job", lambda _: 8)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "5")
    for value, status in (("1", 8), ("0", 7), ("", 7)):
        monkeypatch.setenv("ASSAY_COLD", value)
        assert cli.main(["train", "x"]) == status
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert cli.main(["gate", "x"]) == 8, "what needs no library is not worth a warm process"
    monkeypatch.setattr(warm, "call", lambda _: None)
    assert cli.main(["train", "x"]) == 8, "what cannot be had warm runs cold"


def test_each_environment_has_a_socket_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSAY_WARM", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    packages = tmp_path / "lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    names = [warm.address()]
    assert warm.address() == names[0]
    os.utime(packages, ns=(5, 5))
    names.append(warm.address())
    monkeypatch.setattr(warm, "_confines", lambda: "another job of the cluster")
    names.append(warm.address())
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    names.append(warm.address())
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    names.append(warm.address())
    monkeypatch.setattr(sys, "executable", "/another/python")
    names.append(warm.address())
    assert len(set(names)) == 6
    assert {name.parent for name in names} == {tmp_path / f"assay-{os.getuid()}"}
    assert names[0].parent.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("ASSAY_WARM", "/mine.sock")
    assert warm.address() == Path("/mine.sock")
