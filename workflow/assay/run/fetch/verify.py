"""Whether a file is the one that its authors publish."""

from __future__ import annotations

import hashlib
from pathlib import Path

from assay.data.archive import Archive, Package

#: Bytes that are hashed at a time.
BLOCK = 1 << 20


def fault(file: Path, wanted: Archive | Package) -> str | None:
    """What is wrong with a file, with what was found and what was expected; None when nothing is.

    An archive is known by the size and the digests that it states. A package states none: its client has checked it,
    and its reader knows the images.
    """
    if isinstance(wanted, Package):
        return None
    size = file.stat().st_size
    if wanted.size and size != wanted.size:
        return f"has {size} bytes, expected {wanted.size}"
    expected = {name: text.lower() for name, text in (("md5", wanted.md5), ("sha256", wanted.sha256)) if text}
    for name, found in digests(file, list(expected)).items():
        if found != expected[name]:
            return f"has {name.upper()} {found}, expected {expected[name]}"
    return None


def digests(file: Path, names: list[str]) -> dict[str, str]:
    """The digests of a file by name, in hex, in one reading."""
    hashed = {name: hashlib.new(name, usedforsecurity=False) for name in names}
    if hashed:
        with file.open("rb") as stream:
            while block := stream.read(BLOCK):
                for each in hashed.values():
                    each.update(block)
    return {name: each.hexdigest() for name, each in hashed.items()}
