"""What starts often must not pull in what is slow to import."""

from __future__ import annotations

import subprocess
import sys

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
