"""A disk that is full in the middle of a dataset: the job fails as a machine does, leaves nothing, and then completes.

The disk is a small file system in memory where the tests may mount one; anywhere else files are limited in size.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from assay.run.arrays import write_npy
from assay.run.layout import HERE
from assay.run.prepare import prepare
from PIL import Image

STORE = Path("results/store")


@pytest.fixture
def job(config: dict[str, Any]) -> Path:
    """Where the dataset of a planned study over a folder of 240 pictures of 32 x 32 belongs: 240 KiB of pixels."""
    rng = np.random.default_rng(0)
    for number in range(240):
        file = Path(f"set/{number % 2}/{number}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (32, 32), dtype=np.uint8)).save(file)
    split = {"val": 0.2, "test": 0.2}
    config["datasets"] = {"rare": {"source": {"method": "folder", "path": "set"}, "split": split}}
    Path("config.yaml").write_text(yaml.safe_dump(config | {"generators": {}}))
    plan = prepare({}, HERE).plan
    return HERE.root / plan.jobs[plan.records["datasets/rare"].jobs[0]].folder


@pytest.fixture
def disk() -> Iterator[Callable[[int], int | None]]:
    """`disk(KiB)`: the store gets that much room; returns the limit of a file in bytes where nothing can be mounted."""
    mounted = []

    def make(size: int) -> int | None:
        STORE.mkdir(parents=True, exist_ok=True)
        options = ["-o", f"{'remount,' if mounted else ''}size={size}k"]
        if os.getuid() != 0 or shutil.which("mount") is None:
            return size * 256
        done = subprocess.run(["mount", "-t", "tmpfs", *options, "none", STORE], capture_output=True)
        mounted.extend([STORE] if done.returncode == 0 and not mounted else [])
        return None if done.returncode == 0 else size * 256

    yield make
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def run(job: Path, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    def narrow() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-c", "import sys; from assay.run.cli import main; sys.exit(main(sys.argv[1:]))", "data", job],
        env={**os.environ, "ASSAY_COLD": "1"},
        preexec_fn=narrow,
        capture_output=True,
        text=True,
    )


def left(store: Path) -> list[str]:
    return sorted(path.name for path in store.rglob("*") if path.is_file() or path.name.startswith("."))


@pytest.mark.parametrize("size", [100, 156, 230, 300], ids=["train pixels", "train table", "test pixels", "sheet"])
def test_a_full_disk_leaves_nothing_and_the_next_run_completes(
    job: Path, disk: Callable[[int], int | None], size: int
) -> None:
    done = run(job, disk(size))
    assert done.returncode != 0, done.stdout
    assert "No space left on device" in done.stderr or "File too large" in done.stderr
    assert left(STORE) == []
    assert not list(HERE.failures.glob("*.json")), "it is no result"
    disk(4096)
    done = run(job)
    assert done.returncode == 0, done.stderr
    assert "done" in done.stdout
    assert {"train.images.npy", "train.npz", "card.json", "sheet.png", "seal.json"} <= set(left(job))


def test_an_array_is_written_as_numpy_does(tmp_path: Path) -> None:
    for array in (np.arange(24, dtype=np.uint8).reshape(2, 3, 4)[:, ::-1], np.zeros((0, 4, 4, 1), np.uint8)):
        write_npy(tmp_path / "ours.npy", array)
        np.save(tmp_path / "theirs.npy", np.ascontiguousarray(array))
        assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()
