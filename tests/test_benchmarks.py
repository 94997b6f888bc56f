"""The benchmarks run, on little, and print every figure that their page explains."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_data_benchmark_prints_every_row() -> None:
    command = [sys.executable, "benchmarks/data.py", "--images", "500", "--repeats", "1", "--processes", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "{'train': 500, 'test': 100} x 32 x 32 x 3" in done.stdout
    assert len(re.findall(r"\d s +[\d.]+ s +[\d.]+x$", done.stdout, re.MULTILINE)) == 5
    if Path("/proc/self/smaps_rollup").exists():
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
