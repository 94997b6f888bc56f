"""Curve files, read while they grow."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from assay.track.names import joined
from assay.track.wanted import Curve, Point

#: What a line holds beside its values. Epochs are another count of the same steps.
_NOT_VALUES = ("step", "time", "epoch")


class Tail:
    """Reads the whole lines that were added to a file since the last call.

    A training that resumes from a checkpoint cuts its file back and writes on: a file that is shorter than what was
    read is read again from the start, and so is one that another has replaced.
    """

    def __init__(self, file: Path):
        self.file = file
        self._position = 0
        self._inode = 0

    def read(self) -> list[dict[str, Any]]:
        """The new lines; none when the file is not there (yet, or because its job has just been sealed)."""
        try:
            with self.file.open("rb") as handle:
                handle.seek(0, 2)
                size = handle.tell()
                inode = self.file.stat().st_ino
                if size < self._position or inode != self._inode:
                    self._position, self._inode = 0, inode
                handle.seek(self._position)
                text = handle.read(size - self._position)
        except FileNotFoundError:
            return []
        whole, newline, _ = text.rpartition(b"\n")
        self._position += len(whole) + len(newline)
        return [line for line in map(_parsed, whole.splitlines()) if line is not None]


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "step" in value and "time" in value else None


def points(curve: Curve, lines: list[dict[str, Any]]) -> list[Point]:
    """The finite values of curve lines, one point each; of values for the same step the last one."""
    found: dict[tuple[str, int], Point] = {}
    for line in lines:
        for name, value in line.items():
            if name in _NOT_VALUES or not isinstance(value, int | float) or not math.isfinite(value):
                continue
            key, step = joined(curve.prefix, name), int(line["step"])
            found[key, step] = Point(key, step, float(value), int(line["time"] * 1000))
    return list(found.values())
