"""The images that a source reads from a user's own path: whether they are there, and what tells that they changed.

A fingerprint is part of a job's spec. It holds names, sizes and times, since hashing contents would read every image at
each start. A single file alone is hashed, so that its results stand when it is merely copied.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from assay.data.own.table import read_table
from assay.data.own.walk import File, UnreadableError, stated, tree
from assay.study.errors import nearest

Source = dict[str, Any]

#: What the `path` of a source must be; sources not named here take either.
_KINDS = {"folder": "folder", "csv": "file", "npz": "file"}


def path_of(source: Source | None) -> str | None:
    """The user's path that a source reads; None for one that reads none."""
    path = (source or {}).get("path")
    return path if isinstance(path, str) else None


def problem(source: Source) -> tuple[str, str | None, str] | None:
    """What is wrong with the options of a source that name things on disk.

    Returns:
        The option, the nearest name that exists (or None), and a message; None when nothing is wrong.
    """
    name = path_of(source)
    if name is None:
        return None
    path, kind = Path(name), _KINDS.get(source["method"], "file or folder")
    if "\0" in name or not path.exists():
        return "path", _nearest(name), f"there is no {kind} {name!r}"
    if (kind == "folder" and not path.is_dir()) or (kind == "file" and not path.is_file()):
        return "path", None, f"expected a {kind}, which {name!r} is not"
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        return "path", None, f"{name!r} is there but may not be read"
    return _column(source, name) if source["method"] == "csv" else None


def _nearest(name: str) -> str | None:
    """The path that was probably meant: the closest name in the last of its folders that exists."""
    parts = Path(name).parts
    for number, part in enumerate(parts):
        folder = Path(*parts[:number])
        try:
            if "\0" in part or not (folder / part).exists():
                guess = nearest(part, sorted(os.listdir(folder)))
                return str(folder / guess) if guess else None
        except OSError:
            return None
    return None


def _column(source: Source, name: str) -> tuple[str, str | None, str] | None:
    """A column that the options of a CSV file name and that it does not have."""
    try:
        table = read_table(name, source["delimiter"], header_only=True)
    except UnreadableError as error:
        return "path", None, str(error)
    for option in ("path-column", "label-column", "split-column", "group-column", "soft-column"):
        if source[option] is not None and source[option] not in table.columns:
            listed = ", ".join(map(repr, table.columns))
            near = nearest(source[option], table.columns)
            return option, near, f"{name} has no column {source[option]!r}; it has {listed}"
    return None


def fingerprint(source: Source) -> str | None:
    """What stands for the user's images in a spec, hex; None for a source that reads no path.

    The content of a file; the names, sizes and times of the files in a folder; both, for the table of a `csv` source
    and the images that it lists.

    Raises:
        UnreadableError: a file or folder that cannot be read.
    """
    path = path_of(source)
    if path is None or not Path(path).exists():
        return None
    if Path(path).is_dir():
        return _of_folder(path)
    try:
        with open(path, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}") from None
    return _of_files(_listed(source, path), content) if source["method"] == "csv" else content


def signature(source: Source) -> list[Any]:
    """What a plan is compared by before it is made anew: as `fingerprint`, but no file is read for its size alone."""
    path = path_of(source)
    if path is None:
        return []
    try:
        if Path(path).is_dir():
            return [_of_folder(path)]
        about = Path(path).stat()
        listed = [_of_files(_listed(source, path))] if source["method"] == "csv" else []
    except (OSError, UnreadableError):
        return [-1, -1]
    return [about.st_size, about.st_mtime_ns, *listed]


def _listed(source: Source, path: str) -> list[File]:
    """The images that a CSV file lists."""
    names = read_table(path, source["delimiter"]).column(source["path-column"])
    return stated([name.strip() for name in names], str(Path(path).parent))


def _of_folder(path: str) -> str:
    found = tree(path)
    return _of_files(found.files, "/".join(found.folders))


def _of_files(files: list[File], text: str = "") -> str:
    hashed = hashlib.sha256(os.fsencode(text))
    for name, size, mtime_ns in files:
        hashed.update(os.fsencode(f"\n{name}\0{size}\0{mtime_ns}"))
    return hashed.hexdigest()
