"""Labels that people gave, from a file."""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path

import numpy as np

from assay import Option, method
from assay.data.alter.names import number_of
from assay.data.alter.subject import Subject
from assay.errors import MethodError
from assay.study.errors import nearest

#: Names under which a file may hold the ids of images.
IDS = ("id", "ids")


@method(
    "label-noise",
    "from-file",
    summary="the labels that people gave (CIFAR-10N), by id or in the official order of the train images",
    paper="Wei et al. 2022, arXiv:2110.12088",
    options={
        "path": Option(..., "a .npz, .npy or .csv, from the folder in which the study runs", type=str),
        "key": Option(None, "the array or column of labels, as `worse_label`", type=str, optional=True),
        "check": Option(
            None, "an array or column of the true labels, as `clean_label`, to be sure of the order", type=str,
            optional=True,
        ),
        "classes": Option(
            None, "class names, in the order of the file's numbers; the dataset's when left out", type=list, item=str,
            optional=True,
        ),
    },
    shapes="labels int64 [N] -> labels int64 [N]",
)  # fmt: skip
def from_file(
    train: Subject, *, path: str, key: str | None, check: str | None, classes: list[str] | None
) -> np.ndarray:
    """Look each image up in the file.

    A file with ids (an array or column `id` or `ids`) is looked up by them. Another lists its labels in the official
    order of the train images: the number at the end of an image's id is its row, from 0 on.

    Args:
        train: the train split.
        path: the file.
        key: may be left out where only one array or column could be meant.
        check: labels that must be those of `train`, image by image.
        classes: what the numbers in the file mean. Names in the file (csv) mean themselves.

    Returns:
        int64 [N].

    Raises:
        MethodError: a file that cannot be read, no such key, an image that the file does not hold, a label that is no
            class, or true labels that differ.
    """
    arrays = _read(Path(path))
    ids = next((arrays.pop(name).astype(str) for name in IDS if name in arrays), None)
    rows = _rows(train, path, ids, max((len(array) for array in arrays.values()), default=0))
    names = list(classes or train.classes)
    if check is not None:
        true = _labels(_column(arrays, check, path)[rows], names, train, path)
        if (true != train.labels).any():
            wrong = int(np.flatnonzero(true != train.labels)[0])
            raise MethodError(
                f"label-noise: {path} says under {check} that image {train.ids[wrong]} is "
                f"{train.classes[true[wrong]]}, but it is {train.classes[train.labels[wrong]]}; the file has another "
                "order, or is of other images"
            )
    if key is None:
        rest = [name for name in arrays if name != check]
        if len(rest) != 1:
            raise MethodError(f"label-noise: name under `key` one of {', '.join(rest) or 'none'}, which {path} holds")
        key = rest[0]
    return _labels(_column(arrays, key, path)[rows], names, train, path)


def _read(file: Path) -> dict[str, np.ndarray]:
    """Every array or column of the file, by name."""
    try:
        if file.suffix == ".csv":
            with file.open(encoding="utf-8-sig", newline="") as text:
                head, *lines = list(csv.reader(text)) or [[]]
            if any(len(line) != len(head) for line in lines):
                raise MethodError(f"label-noise: lines of {file} differ in their number of columns")
            return {name: np.array([line[n] for line in lines], dtype=str) for n, name in enumerate(head)}
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"labels": loaded}
        with loaded as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, UnicodeDecodeError, csv.Error, zipfile.BadZipFile) as error:
        raise MethodError(f"label-noise: {file} cannot be read: {error}") from None


def _column(arrays: dict[str, np.ndarray], key: str, path: str) -> np.ndarray:
    if key not in arrays:
        guess = nearest(key, arrays)
        raise MethodError(
            f"label-noise: {path} has no {key!r}, only {', '.join(arrays) or 'nothing'}"
            + (f"; did you mean {guess!r}?" if guess else "")
        )
    return arrays[key].reshape(len(arrays[key]), -1)[:, 0]


def _rows(train: Subject, path: str, ids: np.ndarray | None, count: int) -> np.ndarray:
    """Where each image stands in the file."""
    if ids is not None:
        places = {name: row for row, name in enumerate(ids.tolist())}
        if len(places) < len(ids):
            raise MethodError(f"label-noise: {path} has an id twice")
        found = [places.get(name, -1) for name in train.ids.tolist()]
    else:
        ends = [re.search(r"[0-9]+$", name) for name in train.ids.tolist()]
        found = [-1 if end is None or int(end[0]) >= count else int(end[0]) for end in ends]
    missing = [name for name, row in zip(train.ids.tolist(), found, strict=True) if row < 0]
    if missing:
        raise MethodError(
            f"label-noise: {path} has no label for {len(missing)} of {len(train)} images, such as {missing[0]}; "
            + ("give it an array or column `id`" if ids is None else f"its ids are like {', '.join(ids[:3])}")
        )
    return np.array(found, np.int64)


def _labels(found: np.ndarray, names: list[str], train: Subject, path: str) -> np.ndarray:
    """Numbers or names of classes as numbers of the dataset's classes: int64 [N]."""
    number = {name: k for k, name in enumerate(train.classes)}
    if not np.issubdtype(found.dtype, np.integer):
        text = found.astype(str).tolist()
        if not all(word in number for word in text) and all(word.isdecimal() for word in text):
            found = np.array(text, dtype=np.int64)
        else:
            return np.array([number_of(word, train.classes, f"label-noise: {path}") for word in text], np.int64)
    if len(found) and not 0 <= found.min() <= found.max() < len(names):
        raise MethodError(
            f"label-noise: labels of {path} run from {found.min()} to {found.max()}, expected 0 to {len(names) - 1} "
            f"for the {len(names)} classes"
        )
    table = np.array([number.get(name, -1) for name in names], np.int64)
    made = table[found.astype(np.int64)]
    if (made < 0).any():
        lost = sorted({names[k] for k in found[made < 0].tolist()})
        raise MethodError(
            f"label-noise: {path} calls {int((made < 0).sum())} images {', '.join(lost[:5])}, which this dataset has "
            "not among its classes; put the labels in before classes are left out"
        )
    return made
