"""The registry as a job sees it: the methods that its plan names, without scanning the package for them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from assay.study.jobs import Job
from assay.study.registry import Card, Registry, scan

if TYPE_CHECKING:
    from assay.run.execute import Task


class JobRegistry(Registry):
    """The methods of some jobs; any other is looked for in the whole package when it is asked for."""

    def __init__(self, jobs: Iterable[Job] = (), plugins: Iterable[Path] = ()):
        super().__init__([])
        self._plugins = list(plugins)
        self._scanned = False
        for job in jobs:
            for kind, name, module, attribute, file in job.methods:
                self.cards[kind, name] = Card(kind, name, module, attribute, Path(file), "")

    def get(self, kind: str, name: str) -> Card | None:
        """The card of a method, or None."""
        if (kind, name) not in self.cards and not self._scanned:
            self._scanned = True
            self.cards = scan(self._plugins).cards | self.cards
        return self.cards.get((kind, name))


def registry_of(task: Task) -> JobRegistry:
    """The methods that a job and those of its inputs name."""
    plugins = [Path(row[4]) for row in task.job.methods if row[4]]
    return JobRegistry([task.job, *task.jobs.values()], plugins)
