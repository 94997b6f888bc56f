"""What starts often must not pull in what is slow to import, and drawing knows neither page nor MLflow."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import assay
import pytest

HEAVY = {"torch", "numpy", "pandas", "scipy", "sklearn", "mlflow", "snakemake", "matplotlib", "pydantic"}


@pytest.mark.parametrize(
    "code",
    [
        "import assay; assay.method, assay.Option",
        "from assay.run.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass",
        "import assay.run.cli, assay.run.warm",
        "from assay.study.registry import scan; scan()",
        "import assay.track.publish, assay.track.follow, assay.track.audit, assay.track.ui",
    ],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    code += "\nimport sys; print(*sorted(set(name.partition('.')[0] for name in sys.modules)), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize(
    ("folder", "unknown"),
    [
        ("figures", r"assay\.(?:run|study|track|report)|mlflow"),
        ("track", r"assay\.report"),
        ("report", r"assay\.track|mlflow"),
    ],
)
def test_drawing_serves_page_and_mlflow_which_know_nothing_of_each_other(folder: str, unknown: str) -> None:
    files = list(Path(assay.__file__).with_name(folder).rglob("*.py"))
    assert len(files) > 5
    found = [file.name for file in files if re.search(rf"(?:from|import) (?:{unknown})\b", file.read_text())]
    assert found == []
