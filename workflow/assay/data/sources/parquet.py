"""Pictures in Parquet files, or in a folder that Hugging Face `datasets` saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay import Option, method
from assay.data.decisions import Decisions, note
from assay.data.given import Given
from assay.data.own.columns import Columns
from assay.data.own.labels import EMPTY, as_indices, as_parts, empty_classes, in_range
from assay.data.own.pictures import take
from assay.data.own.saved import open_columns
from assay.data.raw import Raw, numbered
from assay.errors import MethodError


@method(
    "source",
    "parquet",
    summary="pictures in a Parquet file, in a folder of them, or in a folder that Hugging Face datasets saved",
    paper="Lhoest et al. 2021, arXiv:2109.02846",
    options={
        "path": Option(..., "the file or folder, from the folder in which the study runs", type=str),
        "image-column": Option(
            None, "column of the pictures; the one declared as such, or `image`, when left out", type=str, optional=True
        ),
        "label-column": Option(
            None, "column of the labels; the one declared as such, or `label`, when left out", type=str, optional=True
        ),
        "split-column": Option(
            None, "column of the official splits, where folders or names of files do not tell", type=str, optional=True
        ),
        "group-column": Option(None, "column of e.g. the patients", type=str, optional=True),
        "id-column": Option(None, "column of names, unique; numbers when left out", type=str, optional=True),
        "classes": Option(None, "class names, in the order of the labels", type=list, item=str, optional=True),
        "resolution": Option(
            None, "height and width that all images are resized to", type=int, at_least=1, optional=True
        ),
        "channels": Option(None, "channels that all images get", type=int, choices=[1, 3], optional=True),
        "corrupt": Option("refuse", "what a picture that cannot be read does", choices=["refuse", "skip"]),
        "licence": Option("unknown", "licence of the images"),
        "citation": Option("", "how to cite them"),
    },
    shapes="column of {bytes, path} or of bytes; labels integer or text; images uint8 [N,H,W,C]",
)
def parquet(
    given: Given,  # noqa: ARG001 - the contract of a source
    *,
    path: str,
    image_column: str | None,
    label_column: str | None,
    split_column: str | None,
    group_column: str | None,
    id_column: str | None,
    classes: list[str] | None,
    resolution: int | None,
    channels: int | None,
    corrupt: str,
    licence: str,
    citation: str,
) -> Raw:
    """Read the labels, then the pictures batch by batch, so that they need not fit in memory undecoded.

    Splits are those that `datasets` saved (folders under `dataset_dict.json`), or those that files are called by
    (`train-00000-of-00002.parquet`). Class names are `classes`, else those of a `ClassLabel`, else the labels.

    Raises:
        MethodError: files that cannot be read, a column that is missing or of another type, pictures stored as paths
            alone, a label that is empty or out of range; and what `assay.data.own.pictures` refuses.
    """
    columns = open_columns(path)
    decisions: Decisions = {}
    picture = columns.find(image_column, columns.declared("Image"), ("image", "img"))
    label = columns.find(label_column, columns.declared("ClassLabel"), ("label", "labels"))
    labels, names = _labels(columns, label, classes or columns.class_names(label))
    for name in empty_classes(labels, names):
        note(decisions, EMPTY, name)
    ids = _ids(columns, id_column)
    parts = as_parts(columns.texts(split_column), columns.where) if split_column else columns.splits()
    groups = np.array(columns.texts(group_column), dtype=str) if group_column else None
    taken = take(
        ids.tolist(),
        columns.pictures(picture),
        source="parquet",
        resolution=resolution,
        channels=channels,
        corrupt=corrupt,
    )
    return Raw(
        taken.images,
        labels[taken.kept],
        names,
        ids=ids[taken.kept],
        parts=None if parts is None else parts[taken.kept],
        groups=None if groups is None else groups[taken.kept],
        licence=licence,
        citation=citation,
        decisions={**decisions, **taken.decisions},
    )


def _labels(columns: Columns, column: str, classes: list[str] | None) -> tuple[np.ndarray, list[str]]:
    """Labels as indices, int64 [N], and the class names."""
    values = columns.values(column)
    for row, value in enumerate(values):
        if type(value) not in (int, str) or type(value) is not type(values[0]):
            raise MethodError(
                f"parquet: {columns.where(row)}: expected labels that are all whole numbers or all text, found "
                f"{value!r} in column {column!r}"
            )
    if values and isinstance(values[0], str):
        return as_indices(values, classes, columns.where)
    return in_range(np.array(values, np.int64), classes, columns.where)


def _ids(columns: Columns, column: str | None) -> np.ndarray:
    """The names of the pictures: those of a column, else split or file and number."""
    if column is not None:
        return np.array(columns.texts(column), dtype=str)
    stem = Path(columns.path).stem
    return np.concatenate([numbered(part.rows, f"{part.split or stem}-") for part in columns.parts])
