"""What an exported crate must not tell: paths of a machine, homes of users, names and paths of private datasets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.run.results import Results
from assay.track.private import is_private

#: Homes of users on whichever machine the study ran; `/home/ada/x` becomes `~/x`.
_HOME = re.compile(r"/(?:home|Users)/[\w.-]+")


class Telling:
    """Takes out of texts what a study's crate must not tell.

    Attributes:
        private: the private datasets by name, each with the name that stands for it.
    """

    def __init__(self, results: Results):
        datasets = results.study["datasets"]
        names = [name for name in datasets if is_private(results, name)]
        self.private = {name: f"private-{number}" for number, name in enumerate(names, 1)}
        self._paths = {str(Path.cwd()): ".", str(Path.home()): "~"} | _absolute(results.plan["study"])
        self._paths |= _absolute({"file": results.plan.get("file")})
        for name in names:
            self._paths |= dict.fromkeys(_paths_of(datasets[name].get("source") or {}), "withheld")

    def without(self, text: str) -> str:
        """The text without them. A private dataset's name goes where it stands as a word of its own."""
        for path in sorted((path for path in self._paths if len(path) > 1), key=len, reverse=True):
            name = self._paths[path].replace("\\", r"\\")
            text = re.sub(rf"(?<![\w.~]){re.escape(path)}(?!\w)", name, text)
        text = _HOME.sub("~", text)
        for name in sorted(self.private, key=len, reverse=True):
            text = re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", self.private[name], text)
        return text

    def study(self, study: dict[str, Any]) -> dict[str, Any]:
        """The resolved study, in which nothing is left of a private dataset but that it is one."""
        datasets = {
            name: {"private": True} if name in self.private else declared
            for name, declared in study["datasets"].items()
        }
        return {**study, "datasets": datasets}


def _absolute(value: Any) -> dict[str, str]:
    """Every absolute path among the texts of plain JSON, with its last name."""
    return {text: Path(text).name or "." for text in _texts(value) if text.startswith(("/", "~/"))}


def _paths_of(source: dict[str, Any]) -> set[str]:
    """What a source of private images says of where they lie: all its texts but the method's name."""
    return {text for key, value in source.items() if key != "method" for text in _texts(value) if "/" in text}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
