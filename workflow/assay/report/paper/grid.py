"""What a table for a paper holds: arms by the headline metrics of one family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from assay.report.compare import ALPHA, Column, columns, least, written
from assay.report.material import Material
from assay.statistics.best import best
from assay.statistics.interval import Named, interval


@dataclass(frozen=True)
class Grid:
    """Arms by columns.

    Attributes:
        family: of the metrics.
        arms: rows, in the order of the config; an arm without a value is there all the same.
        columns: one a metric, under the keys that a claim means when it leaves them out.
        seeds: of the study.
    """

    family: str
    arms: list[str]
    columns: list[Column]
    seeds: list[int]

    @cached_property
    def cells(self) -> dict[tuple[str, int], Named | None]:
        """By arm and number of the column: the mean over seeds with its interval; None without a value."""
        return {
            (arm, number): interval(list(one.values.get(arm, {}).values()))
            for arm in self.arms
            for number, one in enumerate(self.columns)
        }

    @cached_property
    def best(self) -> list[str | None]:
        """The best arm of each column, where the difference to every other arm is beyond doubt."""
        return [best(one.values, self.seeds, one.metric.better, ALPHA, one.name) for one in self.columns]

    @cached_property
    def detectable(self) -> list[float | None]:
        """The minimum detectable difference to the first arm, of each column."""
        return [least(one, self.arms[0]) for one in self.columns]

    @property
    def kinds(self) -> list[str]:
        """Which intervals the table holds."""
        return sorted({found.kind for found in self.cells.values() if found and found.kind})

    def count(self, arm: str, number: int) -> int:
        """How many seeds of an arm have a value."""
        return len(self.columns[number].values.get(arm, {}))

    def short(self) -> list[str]:
        """What is missing, a line an arm: `diverged: 0 of 5 seeds`."""
        lines = []
        for arm in self.arms:
            fewest = min(self.count(arm, number) for number in range(len(self.columns)))
            if fewest < len(self.seeds):
                lines.append(f"{arm}: {fewest} of {len(self.seeds)} seeds")
        return lines


def title(one: Column) -> str:
    """A column's name as a claim would write it: `recall[class=rarest]`."""
    return f"{one.name}[{written(one.keys)}]" if one.keys else one.name


def grids(material: Material) -> Iterator[Grid]:
    """A table for each family with values, in the order of the config."""
    for family in material.study["evaluate"]:
        shown = columns(material, family)
        if shown:
            yield Grid(family, material.arms, shown, material.seeds)
