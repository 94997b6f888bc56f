"""Columns of Parquet and Arrow files, read with pyarrow alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.data.decode import UndecodableError
from assay.data.own.walk import OF_THE_FILE
from assay.errors import MethodError
from assay.study.errors import nearest

#: Rows read at once, so that a few undecoded pictures are in memory at a time.
BATCH = 256


@dataclass
class Part:
    """Files with the same split (None where nothing tells), and the number of their rows."""

    split: str | None
    files: list[Path]
    rows: int = 0


class Columns:
    """The rows of several files as if they were one table.

    Attributes:
        path: what the user named.
        parts: its files with the same split together, in the order of the rows.
    """

    def __init__(self, path: str, parts: list[Part], features: dict[str, Any]):
        self.path = path
        self.parts = parts
        self._features = features
        self._names: list[str] | None = None
        for part in parts:
            for file in part.files:
                schema, names, rows = _about(file)
                part.rows += rows
                self._features = self._features or _features_of(schema)
                if self._names is None:
                    self._names = names
                elif sorted(self._names) != sorted(names):
                    raise MethodError(f"parquet: {file} has the columns {names}, others {self._names}")

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self._names or [])

    def declared(self, kind: str) -> list[str]:
        """The columns that `datasets` declares to be of a kind, `Image` or `ClassLabel`."""
        return [
            name
            for name, feature in self._features.items()
            if isinstance(feature, dict) and feature.get("_type") == kind and name in self.names
        ]

    def find(self, wanted: str | None, declared: list[str], usual: Sequence[str]) -> str:
        """The column to read: the one asked for, else the only one declared, else one with a usual name.

        Raises:
            MethodError: there is none, or it is not clear which.
        """
        if wanted is None:
            usable = [name for name in usual if name in self.names and (not declared or name in declared)]
            if len(declared) > 1 and not usable:
                raise MethodError(f"parquet: {self.path}: say which of the columns {', '.join(declared)} to read")
            wanted = declared[0] if len(declared) == 1 else (usable or usual)[0]
        if self.names.count(wanted) != 1:
            guess = nearest(wanted, self.names)
            raise MethodError(
                f"parquet: {self.path}: there is no column {wanted!r}; it has {', '.join(map(repr, self.names))}"
                + (f"; did you mean {guess!r}?" if guess else "")
            )
        return wanted

    def class_names(self, column: str) -> list[str] | None:
        """The names that a `ClassLabel` declares."""
        feature = self._features.get(column)
        names = feature.get("names") if isinstance(feature, dict) else None
        return [str(name) for name in names] if isinstance(names, list) and names else None

    def where(self, row: int) -> str:
        """`cats.parquet, row 7`, counted from 0."""
        for part in self.parts:
            if row < part.rows:
                return f"{self.path}, row {row}" + (f" of {part.split}" if part.split else "")
            row -= part.rows
        return self.path

    def values(self, column: str) -> list[Any]:
        """All values of a column, as Python has them.

        Raises:
            MethodError: the column is a structure or a list.
        """
        found: list[Any] = []
        for batch in self._batches(column, 1 << 16):
            if pa.types.is_nested(batch.type):
                raise MethodError(f"parquet: {self.path}: column {column!r} holds {batch.type}, not single values")
            with reading(self.path):
                found += batch.to_pylist()
        return found

    def texts(self, column: str) -> list[str]:
        """All values of a column as text.

        Raises:
            MethodError: there is no such column, or a value is missing.
        """
        values = self.values(self.find(column, [], (column,)))
        for row, value in enumerate(values):
            if value is None:
                raise MethodError(f"parquet: {self.where(row)}: column {column!r} has no value")
        return [str(value) for value in values]

    def splits(self) -> np.ndarray | None:
        """The official split of each row, text [N]; None where nothing tells."""
        if any(part.split is None for part in self.parts):
            return None
        return np.repeat(np.array([str(part.split) for part in self.parts], dtype="<U5"), [p.rows for p in self.parts])

    def pictures(self, column: str) -> Iterator[bytes | UndecodableError]:
        """The content of each picture, or why there is none."""
        for batch in self._batches(column, BATCH):
            if pa.types.is_struct(batch.type):
                if batch.type.get_field_index("bytes") < 0:
                    raise MethodError(f"parquet: {self.path}: column {column!r} is {batch.type}, expected bytes")
                batch = pc.struct_field(batch, "bytes")
            if not (pa.types.is_binary(batch.type) or pa.types.is_large_binary(batch.type)):
                raise MethodError(f"parquet: {self.path}: column {column!r} holds {batch.type}, not pictures")
            for value in batch:
                content = value.as_py()
                yield UndecodableError("holds no bytes (a path alone, or nothing)") if content is None else content

    def _batches(self, column: str, size: int) -> Iterator[pa.Array]:
        promised = sum(part.rows for part in self.parts)
        for part in self.parts:
            for file in part.files:
                with reading(file):
                    for batch in _read(file, column, size):
                        promised -= len(batch)
                        if promised >= 0:
                            yield _storage(batch)
        if promised:
            raise MethodError(f"parquet: {self.path}: column {column!r} has another number of rows than the file says")


def _storage(array: pa.Array) -> pa.Array:
    """The array without its wrapping: an extension type, or a dictionary."""
    array = array.storage if isinstance(array, pa.ExtensionArray) else array
    return array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array


@contextmanager
def reading(file: str | Path) -> Iterator[None]:
    """Turn what pyarrow raises at damaged bytes into an error of the user's file."""
    try:
        yield
    except (MethodError, MemoryError):
        raise
    except OSError as error:
        # pyarrow's own complaints have no number, those of the disk do.
        if error.errno is not None and error.errno not in OF_THE_FILE:
            raise
        raise MethodError(f"parquet: {file} cannot be read: {error}") from None
    except Exception as error:
        raise MethodError(f"parquet: {file} cannot be read: {str(error) or type(error).__name__}") from None


def _is_arrow(file: Path) -> bool:
    return file.suffix == ".arrow"


def _about(file: Path) -> tuple[pa.Schema, list[str], int]:
    """The schema of a file, the names of its columns and the number of its rows."""
    with reading(file):
        if _is_arrow(file):
            with pa.memory_map(str(file)) as mapped, pa.ipc.open_stream(mapped) as stream:
                return stream.schema, stream.schema.names, sum(batch.num_rows for batch in stream)
        with pq.ParquetFile(file) as opened:
            return opened.schema_arrow, opened.schema_arrow.names, opened.metadata.num_rows


def _read(file: Path, column: str, size: int) -> Iterator[pa.Array]:
    """One column of a file, piece by piece."""
    if _is_arrow(file):
        with pa.memory_map(str(file)) as mapped, pa.ipc.open_stream(mapped) as stream:
            for batch in stream:
                array = batch.column(column)
                # Offsets that lead beyond the file would be followed.
                array.validate(full=True)
                yield array
    else:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(size, columns=[column]):
                yield batch.column(column)


def _features_of(schema: pa.Schema) -> dict[str, Any]:
    """What `datasets` noted of the columns in a file's own metadata; nothing when it did not write it."""
    try:
        told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        return dict(told["info"]["features"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
