"""A table as CSV: plain numbers with all their digits, in the metric's own unit."""

from __future__ import annotations

import csv
import io

from assay.report.paper.grid import Grid, title


def write_csv(grid: Grid) -> str:
    """One row an arm, then `detectable`.

    Of each metric there are the mean, the ends of its 95% interval, which interval it is (`t` or `BCa`), the number of
    seeds, and `yes` under `best` where the arm is better than every other one beyond doubt.
    """
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    parts = ("", " low", " high", " interval", " seeds", " best")
    out.writerow(["arm", *(title(one) + part for one in grid.columns for part in parts)])
    for arm in grid.arms:
        row: list[object] = [arm]
        for number, _ in enumerate(grid.columns):
            found = grid.cells[arm, number]
            ends = [_number(value) for value in (found[:3] if found else (None, None, None))]
            first = "yes" if grid.best[number] == arm else ""
            row += [*ends, (found and found.kind) or "", grid.count(arm, number), first]
        out.writerow(row)
    out.writerow(["detectable", *(cell for value in grid.detectable for cell in (_number(value), *[""] * 5))])
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))
