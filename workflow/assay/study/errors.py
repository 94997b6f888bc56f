"""What a user did wrong, said so that they can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass
class Problem:
    """One thing that is wrong with a config: where it stands, what was expected, what was probably meant."""

    message: str
    file: str | None = None
    line: int | None = None
    path: str | None = None
    nearest: str | None = None

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        text = f"{where}: " if where else ""
        text += f"{self.path}: " if self.path else ""
        text += self.message
        return text + (f"; did you mean {self.nearest!r}?" if self.nearest else "")


class ConfigError(Exception):
    """A study that cannot be planned. `problems` holds every fault found, in the order of the file."""

    def __init__(self, problems: Problem | list[Problem]):
        self.problems = [problems] if isinstance(problems, Problem) else problems
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(word: object, choices: Iterable[object]) -> str | None:
    """The choice that `word` was probably meant to be, or None when nothing is close."""
    named = {str(choice).lower(): str(choice) for choice in choices}
    found = difflib.get_close_matches(str(word).lower(), named, n=1, cutoff=0.5)
    return named[found[0]] if found else None
