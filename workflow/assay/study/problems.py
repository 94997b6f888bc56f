"""Collects what is wrong with a config, each fault with the place where it was written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from assay.study.errors import ConfigError, Problem, nearest
from assay.study.yaml import Mapping, Mark, Sequence

Path = tuple[str | int, ...]


class Problems:
    """The faults found so far in one document.

    Args:
        document: what paths lead into; its marks say where things were written.
    """

    def __init__(self, document: Mapping):
        self.document = document
        self.found: list[Problem] = []

    def add(self, path: Path, message: str, near: str | None = None, mark: Mark | None = None) -> None:
        """Note a fault at `path`; the same words about the same line are noted once."""
        mark = mark or mark_of(self.document, path)
        problem = Problem(message, mark.file, mark.line, dotted(path) or None, near)
        if not any((p.message, p.file, p.line) == (message, mark.file, mark.line) for p in self.found):
            self.found.append(problem)

    def unknown(self, path: Path, what: str, name: object, choices: Iterable[object]) -> None:
        """Note that `name` is none of `choices`."""
        known = list(dict.fromkeys(str(choice) for choice in choices))
        there = f"there are {_some(known)}" if len(known) != 1 else f"there is {known[0]}"
        self.add(path, f"no {what} is called {name!r}; {there if known else 'none is declared'}", nearest(name, known))

    def written(self, path: Path) -> Path:
        """The part of a path that was written: `teacher`, where `teacher: a` is short for `teacher: {arm: a}`."""
        value: Any = self.document
        for number, part in enumerate(path):
            if not isinstance(value, dict | list) or (isinstance(value, dict) and part not in value):
                return path[:number]
            value = value[part]  # type: ignore[index]
        return path

    def stop(self) -> None:
        """Raise what was found, in the order of the file.

        Raises:
            ConfigError: anything was found.
        """
        if self.found:
            first = self.document.mark.file
            raise ConfigError(sorted(self.found, key=lambda p: (p.file != first, p.file or "", p.line or 0)))


def _some(names: list[str], most: int = 24) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def dotted(path: Path) -> str:
    """`("arms", "a", "augment", 0)` as `arms.a.augment[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def mark_of(document: Any, path: Path) -> Mark:
    """Where the value at `path` was written, or else the closest thing above it."""
    mark: Mark = document.mark
    value = document
    for part in path:
        inside = isinstance(value, Mapping) and part in value
        if not inside and not (isinstance(value, Sequence) and isinstance(part, int) and part < len(value)):
            break
        mark = value.marks[part]
        value = value[part]
    return mark


def lines(document: Mapping) -> dict[str, list[str | int]]:
    """Dotted path to `[file, line]` for every value of a document."""
    found: dict[str, list[str | int]] = {}

    def walk(value: Any, path: Path) -> None:
        if isinstance(value, Mapping):
            for key, item in value.items():
                found[dotted((*path, key))] = list(value.marks[key])
                walk(item, (*path, key))
        elif isinstance(value, Sequence):
            for number, item in enumerate(value):
                found[dotted((*path, number))] = list(value.marks[number])
                walk(item, (*path, number))

    walk(document, ())
    return found
