"""Pictures that a CSV file lists with their labels."""

from __future__ import annotations

import json
import os
import posixpath
from pathlib import Path

import numpy as np

from assay import Option, method
from assay.data.decisions import Decisions, note
from assay.data.given import Given
from assay.data.own.labels import EMPTY, as_indices, as_parts, empty_classes
from assay.data.own.pictures import contents_of, some, take
from assay.data.own.table import Table, read_table
from assay.data.raw import Raw
from assay.errors import MethodError
from assay.study.errors import nearest

VOTES = "votes turned into shares"


@method(
    "source",
    "csv",
    summary="pictures listed in a CSV file: path, label, perhaps split, group and soft labels",
    paper="Peterson et al. 2019, arXiv:1908.07086 (soft labels)",
    options={
        "path": Option(..., "the CSV file, from the folder in which the study runs", type=str),
        "delimiter": Option(",", "what stands between two cells", choices=[",", ";", "\t", "|"]),
        "path-column": Option("path", "column of the pictures' paths, from the folder of the CSV file"),
        "label-column": Option("label", "column of the labels: names, or numbers from 0 into `classes`"),
        "split-column": Option(
            None, "column of the official splits train, val and test; `split` if there is one", type=str, optional=True
        ),
        "group-column": Option(None, "column of e.g. the patients; `group` if there is one", type=str, optional=True),
        "soft-prefix": Option("soft.", "what precedes a class's name in the names of the columns of soft labels"),
        "soft-column": Option(
            None, 'column of soft labels in JSON, such as {"cat": 7, "dog": 3}', type=str, optional=True
        ),
        "classes": Option(None, "class names, in the order of the labels", type=list, item=str, optional=True),
        "resolution": Option(
            None, "height and width that all images are resized to", type=int, at_least=1, optional=True
        ),
        "channels": Option(None, "channels that all images get", type=int, choices=[1, 3], optional=True),
        "corrupt": Option("refuse", "what a file that cannot be read does", choices=["refuse", "skip"]),
        "licence": Option("unknown", "licence of the images"),
        "citation": Option("", "how to cite them"),
    },
    shapes="images uint8 [N,H,W,C], C 1 or 3; labels int64 [N]; soft float32 [N,K]",
)
def csv(
    given: Given,  # noqa: ARG001 - the contract of a source
    *,
    path: str,
    delimiter: str,
    path_column: str,
    label_column: str,
    split_column: str | None,
    group_column: str | None,
    soft_prefix: str,
    soft_column: str | None,
    classes: list[str] | None,
    resolution: int | None,
    channels: int | None,
    corrupt: str,
    licence: str,
    citation: str,
) -> Raw:
    """Read the table, then each picture that it lists, in its order. An image's id is its path as written.

    Soft labels are shares that sum to 1, or votes: whole numbers, which become shares. Files that the table does not
    list are not looked at.

    Raises:
        MethodError: a table that cannot be read, a column or file that is missing, a path listed twice, a label that is
            none of the classes, soft labels that are none; and what `assay.data.own.pictures` refuses.
    """
    table = read_table(path, delimiter)
    names = [posixpath.normpath(name.strip()) for name in table.column(path_column)]
    base = str(Path(path).parent)
    _check_paths(table, names, base)
    labels, classes = as_indices(table.column(label_column), classes, table.where)
    decisions: Decisions = {}
    for name in empty_classes(labels, classes):
        note(decisions, EMPTY, name)
    soft = _soft(table, classes, soft_prefix, soft_column, decisions)
    split_column = split_column or ("split" if "split" in table.columns else None)
    group_column = group_column or ("group" if "group" in table.columns else None)
    parts = as_parts(table.column(split_column), table.where) if split_column else None
    groups = np.array(table.column(group_column), dtype=str) if group_column else None
    taken = take(
        names,
        contents_of(os.path.join(base, name) for name in names),
        source="csv",
        resolution=resolution,
        channels=channels,
        corrupt=corrupt,
    )
    return Raw(
        taken.images,
        labels[taken.kept],
        classes,
        ids=np.array(names, dtype=str)[taken.kept],
        parts=None if parts is None else parts[taken.kept],
        groups=None if groups is None else groups[taken.kept],
        soft=None if soft is None else soft[taken.kept],
        licence=licence,
        citation=citation,
        decisions={**decisions, **taken.decisions},
    )


def _check_paths(table: Table, names: list[str], base: str) -> None:
    """Refuse a path that is listed twice, and a table whose pictures are not there: it may belong to another set."""
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        if first.setdefault(name, row) != row:
            raise MethodError(
                f"csv: {table.where(row)}: {name} is listed twice, first in line {table.lines[first[name]]}"
            )
    missing = [row for row, name in enumerate(names) if "\0" in name or not os.path.lexists(os.path.join(base, name))]
    if missing:
        wanted = [names[row] for row in missing]
        beside = os.path.join(base, os.path.dirname(wanted[0]))
        try:
            guess = nearest(os.path.basename(wanted[0]), sorted(os.listdir(beside)))
        except (OSError, ValueError):
            guess = None
        raise MethodError(
            f"csv: {table.where(missing[0])}: {len(missing)} of {len(names)} pictures are not there (paths are taken "
            f"from {base}): {some(wanted)}" + (f"; did you mean {guess!r} for the first?" if guess else "")
        )


def _soft(table: Table, classes: list[str], prefix: str, column: str | None, decisions: Decisions) -> np.ndarray | None:
    """Soft labels, float [N,K], from columns `soft.<class>` or from one column of JSON; None without either."""
    named = {name.removeprefix(prefix): name for name in table.columns if prefix and name.startswith(prefix)}
    if column is not None:
        rows = [_from_json(cell, classes, table.where(row)) for row, cell in enumerate(table.column(column))]
    elif named:
        if set(named) != set(classes):
            odd = sorted(set(named) ^ set(classes))
            raise MethodError(f"csv: {table.file}: expected one column {prefix}<class> for each class; see {some(odd)}")
        cells = zip(*(table.column(named[name]) for name in classes), strict=True)
        rows = [[_number(cell, table.where(row)) for cell in line] for row, line in enumerate(cells)]
    else:
        return None
    votes = np.array(rows, np.float64).reshape(len(rows), len(classes))
    total = votes.sum(1)
    off = np.abs(total - 1) > 1e-3
    negative = (votes < 0).any(1)
    if not off.any() and not negative.any():
        return votes
    if negative.any() or (total <= 0).any() or (votes != np.rint(votes)).any():
        wrong = int(np.flatnonzero(off | negative)[0])
        raise MethodError(
            f"csv: {table.where(wrong)}: soft labels must be shares that sum to 1, or votes (whole numbers), not "
            f"{votes[wrong].tolist()}"
        )
    for name in table.lines:
        note(decisions, VOTES, f"line {name}")
    return votes / total[:, None]


def _from_json(cell: str, classes: list[str], where: str) -> list[float]:
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        raise MethodError(f"csv: {where}: expected soft labels in JSON, found {cell[:60]!r}") from None
    if isinstance(value, dict):
        unknown = sorted(set(value) - set(classes))
        if unknown:
            raise MethodError(f"csv: {where}: {unknown[0]!r} is none of the classes {', '.join(classes[:10])}")
        value = [value.get(name, 0) for name in classes]
    if not isinstance(value, list) or len(value) != len(classes):
        raise MethodError(f"csv: {where}: expected a mapping or a list of {len(classes)} numbers, found {cell[:60]!r}")
    return [_number(item, where) for item in value]


def _number(value: object, where: str) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else np.nan
    except (ValueError, OverflowError):
        number = np.nan
    if not np.isfinite(number):
        raise MethodError(f"csv: {where}: expected a number, found {value!r}")
    return number
