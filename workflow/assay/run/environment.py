"""What a job ran on, as its `run.json` records it."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

#: The packages whose version can change what a computation returns.
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "imbalanced-learn", "pillow", "assay")


@cache
def environment() -> dict[str, Any]:
    """Python, packages, device and the commit of the working directory."""
    return {"python": platform.python_version(), "packages": packages(), "device": device(), "git": git()}


@cache
def packages() -> dict[str, str]:
    """Installed versions of `PACKAGES`."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def device() -> str:
    """The processor, as a comparison across machines has to know it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return f"cpu ({names[0] if names else platform.processor() or platform.machine()})"


@cache
def git() -> dict[str, Any]:
    """The commit of the working directory and whether tracked files differ from it; nulls outside a repository."""
    try:
        commit = _git("rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return {"commit": None, "dirty": None}


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()
