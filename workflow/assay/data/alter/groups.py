"""Group labels (patients, lesions, sites) from a file."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from assay.errors import MethodError
from assay.study.errors import nearest


def read_groups(path: str, id_column: str, group_column: str) -> dict[str, str]:
    """Id of an image -> its group, of a csv file with a head line.

    Raises:
        MethodError: no such file, not text, a column that is missing, an id that stands there twice with two groups.
    """
    found: dict[str, str] = {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            head = list(rows.fieldnames or [])
            for column in (id_column, group_column):
                if column not in head:
                    guess = nearest(column, head)
                    raise MethodError(
                        f"groups: {path} has no column {column!r}, only {', '.join(head) or 'nothing'}"
                        + (f"; did you mean {guess!r}?" if guess else "")
                    )
            for row in rows:
                name, group = row[id_column], row[group_column]
                if name is None or not group:
                    raise MethodError(f"groups: line {rows.line_num} of {path} gives image {name!r} no group")
                if found.setdefault(name, group) != group:
                    raise MethodError(f"groups: {path} puts image {name} into both {found[name]} and {group}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MethodError(f"groups: {path} cannot be read as a csv file: {error}") from None
    return found


def groups_of(ids: np.ndarray, table: dict[str, str], path: str) -> np.ndarray:
    """The group of each image: text [N].

    Raises:
        MethodError: an image that the table does not name.
    """
    missing = [name for name in ids.tolist() if name not in table]
    if missing:
        few = ", ".join(missing[:3])
        raise MethodError(
            f"groups: {path} has no group for {len(missing)} of {len(ids)} images, such as {few}; it names images like "
            f"{', '.join(list(table)[:3]) or 'none'}"
        )
    return np.array([table[name] for name in ids.tolist()], dtype=str)
