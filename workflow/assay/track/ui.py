"""The MLflow UI on a results folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from assay.track.store import quiet, shown, sqlite_file, tracking_uri


def ui(results: Path, port: int = 5000) -> int:
    """Serve the MLflow UI on 127.0.0.1 until interrupted.

    Args:
        results: the results folder.
        port: where to listen.

    Returns:
        The exit status: 0 when it was stopped, 1 when nothing has been tracked yet.
    """
    uri = tracking_uri(results)
    database = sqlite_file(uri)
    if database is None and uri.startswith(("http:", "https:")):
        print(f"MLFLOW_TRACKING_URI names a server; its UI is at {shown(uri)}")
        return 0
    if database is not None and not database.exists():
        print(f"{database} is not there yet: run `snakemake --cores all` first", file=sys.stderr)
        return 1
    quiet()
    # The server's job runner starts eight more processes for features that a study does not use.
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_LOGGING_LEVEL": "WARNING"}
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    command += ["--artifacts-destination", str(results.resolve() / "mlflow-artifacts")]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    # The UI opens with what it offers to builders of agents unless it is told that this is about training.
    print(f"MLflow: http://127.0.0.1:{port}/#/experiments?workflowType=machine_learning", flush=True)
    # The server starts processes of its own: they get a group, which ends as a whole however this process is stopped.
    server = subprocess.Popen(command, env=environment, start_new_session=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
