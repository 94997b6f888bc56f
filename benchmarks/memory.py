"""The most memory that a cold study takes at once: Snakemake, the warm process, all jobs and MLflow together.

What each figure means is told in README.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from machine import machine

ROOT = Path(__file__).resolve().parents[1]
#: Set for the study and inherited by all that it starts, so that also what no longer has a parent is found.
MARK = "ASSAY_BENCHMARK_RUN"
MIB = 2**20


@dataclass
class Sample:
    """Memory of all processes of a run at one moment, in bytes, by what they are.

    `share` is the proportional set size: a page that n processes share counts 1/n in each of them, so that the sum
    counts it once. `anonymous` is the part of it that no file stands behind. `resident` counts shared pages in full.
    """

    seconds: float = 0.0
    processes: int = 0
    largest: int = 0
    share: Counter[str] = field(default_factory=Counter)
    anonymous: int = 0
    resident: int = 0


def main() -> int:
    """Run a study from nothing and print what it took; the exit status is that of the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, default=ROOT / "config.yaml", help="the study's file")
    parser.add_argument("--cores", type=int, default=2, help="cores that Snakemake may use")
    parser.add_argument("--interval", type=float, default=0.2, help="seconds between two looks")
    parser.add_argument("targets", nargs="*", help="what is made of it, such as `train`; everything without")
    chosen = parser.parse_args()
    if not Path("/proc/self/smaps_rollup").exists():
        print("this needs /proc/<pid>/smaps_rollup, which Linux has alone", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="assay-memory-") as folder:
        return measure(Path(folder), chosen.study, chosen.cores, chosen.interval, chosen.targets)


def measure(folder: Path, study: Path, cores: int, interval: float, targets: list[str]) -> int:
    """Run the study in a copy of the project and look at its processes until it ends."""
    for name in ("workflow", "rules", "envs", "profiles"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "Snakefile", folder)
    shutil.copy(study, folder / "config.yaml")
    mark = uuid.uuid4().hex
    environment = {
        **os.environ,
        MARK: mark,
        "PYTHONPATH": str(folder / "workflow"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        # The warm process ends when its socket goes, and that goes with the folder.
        "ASSAY_WARM": str(folder / "warm.sock"),
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    print(f"machine: {machine()}")
    started = time.monotonic()
    with (folder / "output.txt").open("w") as output:
        command = [str(Path(sys.executable).with_name("snakemake")), "--cores", str(cores), *targets]
        running = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        samples: list[Sample] = []
        while running.poll() is None:
            samples.append(look(mark, time.monotonic() - started))
            time.sleep(interval)
    if running.returncode:
        print((folder / "output.txt").read_text()[-2000:], file=sys.stderr)
    tell(samples, time.monotonic() - started, f"study {study.name}, cold, --cores {cores}")
    return running.returncode


def look(mark: str, seconds: float) -> Sample:
    """Add up the processes whose environment holds the mark."""
    sample = Sample(seconds)
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if f"{MARK}={mark}".encode() not in (process / "environ").read_bytes().split(b"\0"):
                continue
            words = (process / "cmdline").read_bytes()
            sizes = rollup((process / "smaps_rollup").read_text())
        except OSError:
            # It ended meanwhile, or is somebody else's.
            continue
        sample.processes += 1
        sample.share[kind_of(words)] += sizes["Pss"]
        sample.anonymous += sizes.get("Pss_Anon", 0) + sizes.get("Pss_Shmem", 0)
        sample.resident += sizes["Rss"]
        sample.largest = max(sample.largest, sizes["Rss"])
    return sample


def rollup(text: str) -> dict[str, int]:
    """The bytes that `smaps_rollup` tells, by name.

    Raises:
        ProcessLookupError: it tells nothing, since the process has just ended.
    """
    rows = [line.split() for line in text.splitlines()[1:]]
    if not rows:
        raise ProcessLookupError
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows}


def kind_of(command: bytes) -> str:
    """What a process is, by its command line; jobs are forks of the warm process and have its own."""
    if b"assay.run.warm_server" in command:
        return "warm process and jobs"
    return "Snakemake" if b"snakemake" in command else "the rest"


def tell(samples: list[Sample], seconds: float, what: str) -> None:
    """Print the moment at which most was taken."""
    most = max(samples, key=lambda sample: sample.share.total())
    print(f"{what}: {seconds:.0f} s, {len(samples)} looks\n")
    print(f"most memory at once        {most.share.total() / MIB:8.0f} MiB, after {most.seconds:.0f} s")
    for kind, share in most.share.most_common():
        print(f"  {kind:<24} {share / MIB:8.0f} MiB")
    print(f"  of it without a file     {most.anonymous / MIB:8.0f} MiB")
    print(f"  processes                {most.processes:8d}")
    print(f"shared pages in full       {max(sample.resident for sample in samples) / MIB:8.0f} MiB")
    print(f"largest process, resident  {max(sample.largest for sample in samples) / MIB:8.0f} MiB")


if __name__ == "__main__":
    sys.exit(main())
