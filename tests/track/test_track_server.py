"""A tracking server over HTTP: there, dead, silent, and back again."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from assay.track.audit import audit
from assay.track.follow import follow
from assay.track.publish import publish
from browser import launched
from results_tree import Server, Tree


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def listening(empty_database: Path) -> Iterator[str]:
    """A real MLflow server, started as `make ui` starts it."""
    port = _free_port()
    code = f"from pathlib import Path; from assay.track.ui import ui; ui(Path({str(empty_database.parent)!r}), {port})"
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    # The server leaves a folder behind for every upload that it was ended in.
    environment["TMPDIR"] = str(empty_database.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    uri = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{uri}/health").close()
            break
        except OSError:
            time.sleep(0.2)
    yield uri
    process.send_signal(signal.SIGTERM)
    process.wait()


def test_a_server_gets_everything(tree: Tree, listening: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", listening)
    monkeypatch.chdir(tree.root)
    tree.arms = ["baseline", "student"]
    tree.write().finish()
    tree.fail("student", 1, "MethodError: loss is NaN")
    summary = publish(tree.folder, final=True)
    assert summary.ok, summary
    assert audit(tree.folder) == []
    again = publish(tree.folder, final=True)
    assert (again.ok, again.created) == (True, 0)
    assert audit(tree.folder) == []
    server = Server(listening)
    run = server.run(kind="trial", arm="baseline", seed="0")
    assert {"train/model.safetensors", "evaluate/accuracy/metrics.json"} <= server.artifacts(run)
    assert len(server.history(run, "train/loss")) == tree.steps
    assert not (tree.root / "mlflow-artifacts").exists()


def test_its_ui_shows_the_pictures_of_a_trial_and_of_a_dataset(
    tree: Tree, listening: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", listening)
    tree.arms, tree.seeds = ["baseline"], [0]
    tree.write().finish()
    summary = publish(tree.folder, final=True)
    assert summary.ok, summary
    server = Server(listening, summary.experiment)
    with launched() as browser:
        for kind, arm, name in (
            ("trial", "baseline", "figures/confusion.svg"),
            ("dataset", "digits", "data/sheet.png"),
        ):
            run = server.run(kind=kind, arm=arm).info
            page = browser.new_page()
            page.goto(f"{listening}/#/experiments/{run.experiment_id}/runs/{run.run_id}/artifacts/{name}")
            shown = page.locator(f'img[alt="{name}"]')
            shown.wait_for(timeout=30_000)
            page.wait_for_function("one => one.complete && one.naturalWidth > 0", arg=shown.element_handle())


def test_a_dead_server_costs_a_message(tree: Tree, monkeypatch: pytest.MonkeyPatch):
    uri = f"http://127.0.0.1:{_free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tree.write().finish()
    summary = publish(tree.folder, final=True)
    assert not summary.ok
    assert uri in str(summary)
    assert "snakemake track" in str(summary)
    assert uri in audit(tree.folder)[0]
    asked = iter([False, False, True])
    follow(tree.folder, lambda: next(asked, True), interval=0.01)
    assert uri in (tree.folder / ".track" / "errors.log").read_text()
    # Once there is a server, nothing is missing.
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert publish(tree.folder, final=True).ok
    assert audit(tree.folder) == []


def test_a_silent_server_costs_a_message(tree: Tree, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        held: list[socket.socket] = []
        threading.Thread(target=_accept, args=(silent, held), daemon=True).start()
        tree.write().finish()
        summary = publish(tree.folder, final=True)
    assert not summary.ok
    assert len(summary.errors) == 1


def _accept(listener: socket.socket, held: list[socket.socket]) -> None:
    while True:
        try:
            held.append(listener.accept()[0])
        except OSError:
            return
