"""Tables that sort, filter and scroll inside themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.report.html import Markup, join, tag


@dataclass(frozen=True)
class Head:
    """A column's head: its words, whether it holds numbers and whether a click sorts by it."""

    words: Any
    number: bool = False
    sort: bool = True


def cell(content: Any, value: float | str | None = None, *, number: bool = False, wrap: bool = False) -> Markup:
    """One cell; `value` is what it sorts by when that is not its text (empty for no value: sorted last)."""
    classes = " ".join(name for name, on in (("number", number), ("wrap", wrap)) if on)
    return tag("td", content, class_=classes or None, data_value="" if number and value is None else value)


def row_head(content: Any, value: str | None = None) -> Markup:
    """The cell that names a row."""
    return tag("th", content, scope="row", data_value=value)


def table(
    heads: Sequence[Head],
    rows: Sequence[Sequence[Markup]],
    *,
    label: str,
    foot: Sequence[Markup] | None = None,
    name: str | None = None,
    tall: bool = False,
    pinned: bool = False,
) -> Markup:
    """A table in a box that scrolls by itself.

    Args:
        heads: one for each column.
        rows: cells made by `row_head` and `cell`.
        label: what the table shows, for a screen reader.
        foot: cells of a last row that does not sort.
        name: id of the table; with one, a box above filters its rows.
        tall: limit the height and keep the head in view.
        pinned: keep the first column in view.
    """
    head = [
        tag(
            "th", tag("button", item.words, type="button") if item.sort else item.words,
            scope="col", class_="number" if item.number else None, data_sort=item.sort,
        )
        for item in heads
    ]  # fmt: skip
    body = tag(
        "table",
        tag("thead", tag("tr", *head)),
        tag("tbody", *(tag("tr", *row) for row in rows)),
        tag("tfoot", tag("tr", *foot)) if foot else None,
        id=name,
        aria_label=label,
    )
    classes = " ".join(["scroll", *(["tall"] if tall else []), *(["pinned"] if pinned else [])])
    box = tag("div", body, class_=classes, tabindex="0", role="region", aria_label=label)
    if name is None:
        return box
    return join([
        tag(
            "p",
            tag("input", type="search", class_="filter", placeholder="Filter rows", data_filters=name,
                aria_label=f"Filter: {label}"), " ",
            tag("span", f"{len(rows):,} rows", class_="soft", id=f"{name}-count", aria_live="polite"),
        ),
        box,
    ])  # fmt: skip
