"""Projects for the tests of whole studies."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import Project


@pytest.fixture(scope="session")
def warm() -> Iterator[Path]:
    """One warm process for all projects."""
    with tempfile.TemporaryDirectory(prefix="assay-test-") as folder:
        yield Path(folder) / "warm.sock"


@pytest.fixture
def project(tmp_path: Path, warm: Path) -> Project:
    """A fresh project; nothing is computed yet."""
    return Project(tmp_path, warm)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> Project:
    """A project whose study ran to its report; nobody may change it."""
    made = Project(tmp_path_factory.mktemp("finished"), warm)
    made.run("report")
    return made


@pytest.fixture
def done(finished: Project, tmp_path: Path, warm: Path) -> Project:
    """A copy of the finished project, for tests that change something and run again."""
    made = Project(tmp_path, warm)
    shutil.copytree(finished.results, made.results, symlinks=True)
    shutil.copytree(finished.folder / ".snakemake", made.folder / ".snakemake", symlinks=True)
    return made
