"""A user's table of images: a CSV file with a header."""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass

from assay.data.own.walk import UnreadableError


@dataclass
class Table:
    """Named columns of text, all of the same length, and the line of the file on which each row begins."""

    file: str
    columns: dict[str, list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str]:
        """The cells of a column.

        Raises:
            UnreadableError: there is none of that name; the message has the nearest one.
        """
        if name not in self.columns:
            near = difflib.get_close_matches(name, self.columns, n=1, cutoff=0.5)
            raise UnreadableError(
                f"{self.file}: there is no column {name!r}; it has {', '.join(map(repr, self.columns))}"
                + (f"; did you mean {near[0]!r}?" if near else "")
            )
        return self.columns[name]

    def where(self, row: int) -> str:
        """`labels.csv, line 7`."""
        return f"{self.file}, line {self.lines[row]}"


def read_table(file: str, delimiter: str = ",", *, header_only: bool = False) -> Table:
    """Read a CSV file: UTF-8 (a byte-order mark is fine), a header, as many cells a row as columns.

    Raises:
        UnreadableError: the file cannot be opened, is no such text, or a row has another number of cells than the
            header.
    """
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        with open(file, encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            header = next(reader, [])
            if not any(header):
                raise UnreadableError(f"{file}: expected a first line with the names of the columns")
            repeated = sorted({name for name in header if header.count(name) > 1})
            if repeated:
                raise UnreadableError(f"{file}: column {repeated[0]!r} stands in the header twice")
            before = reader.line_num
            for row in () if header_only else reader:
                if row and len(row) != len(header):
                    raise UnreadableError(
                        f"{file}, line {before + 1}: expected {len(header)} cells ({', '.join(header)}), "
                        f"found {len(row)}"
                    )
                if row:
                    rows.append(row)
                    lines.append(before + 1)
                before = reader.line_num
    except OSError as error:
        raise UnreadableError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableError(f"{file}: expected text in UTF-8") from None
    except (csv.Error, ValueError) as error:
        raise UnreadableError(f"{file} cannot be read as CSV: {error}") from None
    return Table(file, {name: [row[number] for row in rows] for number, name in enumerate(header)}, lines)
