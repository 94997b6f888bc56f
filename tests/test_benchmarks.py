"""The benchmarks run, on little, and print every figure that their page explains."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import yaml
from project import ROOT, SMALL

#: Where Linux tells what the pages of a process are shared with.
ROLLUP = Path("/proc/self/smaps_rollup")


def test_the_data_benchmark_prints_every_row() -> None:
    command = [sys.executable, "benchmarks/data.py", "--images", "500", "--repeats", "1", "--processes", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "{'train': 500, 'test': 100} x 32 x 32 x 3" in done.stdout
    assert len(re.findall(r"\d s +[\d.]+ s +[\d.]+x$", done.stdout, re.MULTILINE)) == 5
    if ROLLUP.exists():
        assert re.search(r"^torchvision( +-?[\d.]+){3}$", done.stdout, re.MULTILINE)


def test_the_training_benchmark_prints_a_row_for_each_model_and_variant() -> None:
    command = [sys.executable, "benchmarks/train.py", "--random", "--images", "96", "--epochs", "2", "--seeds", "1"]
    command += ["--batch", "48", "--threads", "1", "--models", "linear", "tiny-cnn"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = re.findall(r"^(\S+) +\d+ +\d+ +[\d.]+x +0\.\d{3} +0\.\d{3}$", done.stdout, re.MULTILINE)
    assert rows == ["linear", "tiny-cnn"]
    assert re.search(r"^fixed cost of a training job from a warm process: \d+\.\d\d s$", done.stdout, re.MULTILINE)


def test_the_seeds_benchmark_prints_every_row() -> None:
    options = ["--networks", "mlp", "resnet20", "--seeds", "1", "2", "--steps", "2", "--batch", "4", "--repeats", "1"]
    command = [sys.executable, "benchmarks/seeds.py", *options, "--device", "cpu"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = re.findall(r"^(\w+) +4 +(\d) +\d+/s +\d+/s +[\d.]+x$", done.stdout, re.MULTILINE)
    assert rows == [("mlp", "1"), ("mlp", "2"), ("resnet20", "1"), ("resnet20", "2")]


def test_the_ood_benchmark_finds_what_pytorch_ood_finds() -> None:
    options = ["--images", "60", "--train", "300", "--features", "16", "--sets", "2", "--threads", "1"]
    command = [sys.executable, "benchmarks/ood.py", *options, "--detectors", "knn", "vim", "ash", "residual"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = re.findall(r"^(\w+) +[\d.]+ s +[\d.]+ s +[\d.]+ s +[\d.]+x +([\d.]+) +([\d.]+)$", done.stdout, re.MULTILINE)
    assert [name for name, _, _ in rows] == ["knn", "vim", "ash"]
    for _, ours, theirs in rows:
        assert abs(float(ours) - float(theirs)) < 0.002
    assert re.search(r"^all 4 +[\d.]+ s +[\d.]+ s$", done.stdout, re.MULTILINE)


#: Holds 64 MiB that a fork shares, says so, and waits for the end of its input.
HOLDER = """
import os, sys
held = os.urandom(1 << 20) * 64
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not ROLLUP.exists(), reason="only Linux tells what pages are shared with")
def test_memory_counts_shared_pages_once_and_marked_processes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "memory.py"))
    look, mark, other = benchmark["look"], uuid.uuid4().hex, uuid.uuid4().hex
    assert look(mark, 0.0).processes == 0
    command = [sys.executable, "-c", HOLDER]
    holders = [
        subprocess.Popen(
            command, env={**os.environ, benchmark["MARK"]: word}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for word in (mark, other)
    ]
    for holder in holders:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
    sample = look(mark, 0.0)
    for holder in holders:
        holder.communicate()
    assert sample.processes == 2
    assert 64 < sample.share.total() / 2**20 < 100
    assert 64 < sample.anonymous / 2**20 <= sample.share.total() / 2**20
    assert sample.resident / 2**20 > 128
    assert sample.largest / 2**20 > 64


@pytest.mark.skipif(not ROLLUP.exists(), reason="only Linux tells what pages are shared with")
def test_the_memory_benchmark_prints_the_most_that_a_study_takes(tmp_path: Path) -> None:
    study = {**SMALL, "seeds": 1, "generators": {}, "claims": [], "arms": {"baseline": SMALL["arms"]["baseline"]}}
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump(study))
    command = [sys.executable, "benchmarks/memory.py", "--study", str(file), "--cores", "1", "train"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = re.search(r"^most memory at once +(\d+) MiB, after \d+ s$", done.stdout, re.MULTILINE)
    largest = re.search(r"^largest process, resident +(\d+) MiB$", done.stdout, re.MULTILINE)
    assert found
    assert largest
    assert 100 < int(found[1]) < 4096
    assert re.search(r"^  warm process and jobs +\d+ MiB$", done.stdout, re.MULTILINE)
