"""A project in a temporary folder, run by Snakemake for real."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

#: A study in which every stage has something to do, as small as it can be.
SMALL: dict[str, Any] = {
    "study": "small",
    "seeds": 2,
    "datasets": {
        "digits": {
            "source": "digits",
            "split": {"val": 0.2, "test": 0.2, "stratify": True},
            "classes": {"hold-out": ["8", "9"]},
        },
        "rare": {"from": "digits", "imbalance": {"method": "exponential", "ratio": 10}},
    },
    "generators": {"smote": {"method": "smote", "dataset": "rare"}},
    "arms": {
        "baseline": {"dataset": "rare", "model": "tiny-cnn", "recipe": {"method": "sgd", "epochs": 2}},
        "shifted": {"extends": "baseline", "augment": ["translate"]},
        "filled": {"extends": "baseline", "synthetic": {"generator": "smote", "balance": True}},
        "student": {
            "extends": "baseline",
            "model": "linear",
            "distill": {"method": "kd", "teacher": {"arm": "baseline", "seed": "same"}},
        },
        "pruned": {"extends": "baseline", "compress": [{"method": "magnitude", "finetune-epochs": 1}]},
    },
    "evaluate": {
        "accuracy": {},
        "calibration": {"methods": ["none", "temperature"]},
        "ood": {"detectors": ["msp", "energy"], "near": ["hold-out"], "far": ["noise"]},
    },
    "claims": [{"claim": "Shifting helps", "expect": "shifted.accuracy > baseline.accuracy"}],
    "track": {"live": False},
}


class Project:
    """A copy of the repository's working parts with a config of its own."""

    def __init__(self, folder: Path, warm: Path):
        self.folder = folder
        for name in ("workflow", "rules", "envs", "profiles"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        shutil.copy(ROOT / "Snakefile", folder)
        self.config = json.loads(json.dumps(SMALL))
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(folder / "workflow"),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "ASSAY_WARM": str(warm),
            "ASSAY_CHECKPOINT_SECONDS": "0",
        }
        # Byte code is written as for a user, so that no job compiles the package anew.
        for name in ("MLFLOW_TRACKING_URI", "PYTHONDONTWRITEBYTECODE"):
            self.environment.pop(name, None)
        self.write()

    def write(self, name: str = "config.yaml", config: dict[str, Any] | None = None) -> None:
        """Write the config as it is now."""
        text = yaml.safe_dump(self.config if config is None else config, sort_keys=False)
        (self.folder / name).write_text(text, encoding="utf-8")

    def start(self, *arguments: str, cores: int = 2, **environment: str) -> subprocess.Popen[str]:
        """Start Snakemake in a session of its own."""
        return subprocess.Popen(
            [BIN / "snakemake", "--cores", str(cores), *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, ok: bool = True, cores: int = 2, **environment: str) -> str:
        """Run Snakemake to its end and return what it printed."""
        process = self.start(*arguments, cores=cores, **environment)
        try:
            text = process.communicate(timeout=300)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        assert (process.returncode == 0) == ok, text
        return text

    def assay(self, *arguments: str, ok: bool = True) -> str:
        """Run an `assay` command and return what it printed."""
        done = subprocess.run(
            [BIN / "assay", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def journal(self) -> list[dict[str, Any]]:
        """Every piece of work that was done, in order."""
        file = self.results / "journal.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def work(self, *arguments: str, **options: Any) -> Counter[str]:
        """Run Snakemake and count by stage the work that this run did."""
        before = len(self.journal())
        self.run(*arguments, **options)
        return Counter(line["stage"] for line in self.journal()[before:])

    def record(self, path: str) -> dict[str, Any]:
        return json.loads((self.results / self.config["study"] / f"{path}.json").read_text())

    def stored(self, path: str, number: int = 0) -> Path:
        """The sealed folder behind a record."""
        return self.results / self.record(path)["jobs"][number]["folder"]

    def contents(self) -> dict[str, str]:
        """Digest of every sealed folder's contents by the job's digest."""
        seals = [json.loads(file.read_text()) for file in self.results.glob("store/*/*/seal.json")]
        return {seal["digest"]: seal["content"] for seal in seals}
