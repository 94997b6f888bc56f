"""Results and an MLflow server for the tests of tracking."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from results_tree import Server, Tree


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs; making one takes MLflow seconds, copying it none."""
    from assay.track.store import connect

    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    connect(f"sqlite:///{file}")
    return file


@pytest.fixture
def tree(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    root = tmp_path / "results"
    root.mkdir()
    shutil.copy(empty_database, root / "mlflow.db")
    return Tree(root)


@pytest.fixture
def server(tree: Tree) -> Server:
    return Server(tree.uri())
