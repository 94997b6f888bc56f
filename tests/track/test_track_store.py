"""Where a study is tracked."""

import multiprocessing
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from assay.track.audit import audit
from assay.track.publish import publish
from assay.track.store import connect, shown, tracking_uri
from assay.track.ui import ui
from results_tree import Server, Tree


def test_the_uri_is_that_of_the_environment_or_the_results_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert tracking_uri(Path("results")) == f"sqlite:///{tmp_path}/results/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert tracking_uri(Path("results")) == "http://tracking:5000"


def test_passwords_are_not_shown():
    assert shown("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    assert shown("sqlite:///x.db") == "sqlite:///x.db"


def _open(uri: str) -> None:
    connect(uri).search_experiments()


def test_first_writers_at_the_same_moment_make_one_database(tmp_path: Path):
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    (tmp_path / "new").mkdir()
    processes = [multiprocessing.get_context("fork").Process(target=_open, args=(uri,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["mlflow.db"]


def test_a_database_whose_making_was_killed_is_made_again(tmp_path: Path):
    (tmp_path / ".mlflow.db.1.part").write_text("half a database")
    connect(f"sqlite:///{tmp_path}/mlflow.db").search_experiments()
    assert [file.name for file in tmp_path.iterdir()] == ["mlflow.db"]


def test_copied_results_are_published_afresh(tree: Tree, tmp_path: Path):
    tree.write().finish()
    publish(tree.folder, final=True)
    shutil.copytree(tree.root, tmp_path / "copy")
    publish(tmp_path / "copy" / "digits", final=True)
    assert audit(tmp_path / "copy" / "digits") == []
    copy = Server(f"sqlite:///{tmp_path}/copy/mlflow.db")
    for run in copy.runs():
        assert run.info.artifact_uri.startswith(str(tmp_path / "copy"))
    assert any(str(tree.root) in entry.name for entry in copy.client.search_experiments())
    assert audit(tree.folder) == []


def test_two_trees_on_one_server_do_not_mix(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tree.uri())
    other = Tree(tmp_path / "other")
    for each in (tree, other):
        each.write().finish()
        publish(each.folder, final=True)
    assert publish(tree.folder, final=True).superseded == 0
    assert audit(tree.folder) == []
    assert audit(other.folder) == []
    assert len(Server(tree.uri()).runs()) == 10


def test_an_experiment_in_the_bin_is_taken_out(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    server.client.delete_experiment(server.experiment.experiment_id)
    assert publish(tree.folder, final=True).ok
    assert server.experiment.lifecycle_stage == "active"
    assert audit(tree.folder) == []


def test_a_database_in_use_for_too_long_is_told(tree: Tree, monkeypatch: pytest.MonkeyPatch):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    def locked(*_: object, **__: object) -> None:
        raise MlflowException("(sqlite3.OperationalError) database is locked\n[SQL: ...]")

    monkeypatch.setattr(MlflowClient, "create_run", locked)
    monkeypatch.setattr("time.sleep", lambda _: None)
    tree.write().finish()
    summary = publish(tree.folder, final=True)
    assert not summary.ok
    assert str(summary) == "(sqlite3.OperationalError) database is locked"


def test_a_file_that_is_no_database_is_told(tree: Tree):
    (tree.root / "mlflow.db").write_text("this is no database, and has never been one")
    tree.write().finish()
    summary = publish(tree.folder, final=True)
    assert "not a database" in str(summary)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tree.root / "mlflow.db").execute("select * from runs")


def test_importing_the_package_does_not_import_mlflow():
    code = (
        "import sys; from assay.track import publish, follow, audit, ui, store, mirror, describe; print(*sys.modules)"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert "assay.track.mirror" in loaded
    assert not {"mlflow", "pandas", "torch", "scipy"} & set(loaded)


def test_the_ui_needs_something_to_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert ui(tmp_path, 5000) == 1
    assert "snakemake --cores all" in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@tracking:5000")
    assert ui(tmp_path, 5000) == 0
    assert "http://me:***@tracking:5000" in capsys.readouterr().out
