"""What a run should hold, in plain data: what the server is brought to and what it is audited against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from assay.track.cells import Cell


@dataclass(frozen=True)
class Point:
    """One value of a metric: `step` counts optimiser steps in a curve; `time` is that of the measurement, in ms."""

    key: str
    step: int
    value: float
    time: int


@dataclass(frozen=True)
class Curve:
    """A curve file, growing or sealed, and what goes before the names of its values."""

    prefix: str
    file: Path


@dataclass
class Source:
    """A dataset that a run reads, and for what (`train`, `test`...)."""

    name: str
    digest: str
    folder: Path
    uses: list[str] = field(default_factory=list)


@dataclass
class Role:
    """Files that go together into one folder of a run's artifacts.

    Attributes:
        name: the folder; empty for the run's top.
        marker: changes when the files do.
        files: name to file.
        texts: name to the content of a small file that is made for MLflow.
        drawn: makes files when they are sent, name to content; None where nothing is to be made.
        kept: name to what is told of a file that stays where it is: path, bytes and SHA-256.
        folder: the sealed folder that the files are of, if they are of one.
    """

    name: str
    marker: str
    files: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    drawn: Callable[[], dict[str, bytes]] | None = None
    kept: dict[str, dict[str, object]] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return not (self.files or self.texts or self.drawn)


@dataclass
class Wanted:
    """A run as it should be.

    Attributes:
        status: `running`, `done`, `failed`, or `missing` when nothing of it has begun.
        started, finished: seconds since 1970; None while unknown.
        points: every metric but the curves.
        undefined: metric name to why it has no value.
        model: the folder of the final model.
        teachers: digests of the models that it learnt from.
    """

    cell: Cell
    status: str
    reason: str | None = None
    started: float | None = None
    finished: float | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    curves: list[Curve] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    undefined: dict[str, str] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    model: Path | None = None
    teachers: list[str] = field(default_factory=list)
