"""A user's labels, written as names or as numbers, as indices into a list of classes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from assay.errors import MethodError
from assay.study.errors import nearest

#: Under which a card lists classes that have no images.
EMPTY = "class without images"

_WHOLE = re.compile(r"-?\d+")

#: What people call the three splits.
PARTS = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip


def as_indices(
    labels: Sequence[str], classes: list[str] | None, where: Callable[[int], str]
) -> tuple[np.ndarray, list[str]]:
    """Labels as int64 [N], and the class names.

    Without `classes` the distinct labels are the classes: in the order of numbers if all are whole numbers, else of
    the alphabet. With it a label is one of the names; only if none of the labels is, whole numbers count from 0.

    Args:
        labels: text, N of them.
        classes: names in the order of their numbers, or None.
        where: names the place of a label, for messages.

    Raises:
        MethodError: a label that is empty, none of the classes, or out of range.
    """
    empty = next((row for row, label in enumerate(labels) if not label.strip()), None)
    if empty is not None:
        raise MethodError(f"{where(empty)}: the label is empty")
    words = [label.strip() for label in labels]
    present = sorted(set(words))
    whole = all(_WHOLE.fullmatch(word) for word in present)
    if classes is None:
        names = sorted(present, key=int) if whole else present
        if whole and len({int(name) for name in names}) < len(names):
            raise MethodError(f"{where(0)}: some labels are one number written in two ways, such as 1 and 01")
    elif whole and not set(present) & set(classes):
        return _in_range(np.array([int(word) for word in words], dtype=object), classes, where), list(classes)
    else:
        names = list(classes)
    numbers = {name: number for number, name in enumerate(names)}
    for row, word in enumerate(words):
        if word not in numbers:
            guess = nearest(word, names)
            raise MethodError(
                f"{where(row)}: label {word!r} is none of the {len(names)} classes {', '.join(names[:10])}"
                + (f"; did you mean {guess!r}?" if guess else "")
            )
    return np.array([numbers[word] for word in words], np.int64), names


def in_range(
    labels: np.ndarray, classes: list[str] | None, where: Callable[[int], str]
) -> tuple[np.ndarray, list[str]]:
    """Whole numbers, int [N], as indices; without `classes` the names are the numbers from 0 to the largest.

    Raises:
        MethodError: a label below 0 or beyond the classes.
    """
    if classes is None:
        top = int(labels.max(initial=-1))
        # A stray label would make as many classes.
        if top >= max(len(labels), 1):
            row = int(labels.argmax())
            raise MethodError(f"{where(row)}: label {top} is out of range: there are only {len(labels)} images")
        classes = [str(number) for number in range(top + 1)]
    return _in_range(labels, classes, where), list(classes)


def _in_range(labels: np.ndarray, classes: list[str], where: Callable[[int], str]) -> np.ndarray:
    wrong = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if len(wrong):
        row = int(wrong[0])
        raise MethodError(
            f"{where(row)}: label {labels[row]} is out of range: expected 0 to {len(classes) - 1} for the "
            f"{len(classes)} classes {', '.join(classes[:10])}"
        )
    return labels.astype(np.int64)


def as_parts(words: Sequence[str], where: Callable[[int], str]) -> np.ndarray:
    """Names of splits, as people write them, as `train`, `val` or `test`: text [N].

    Raises:
        MethodError: any other word.
    """
    for row, word in enumerate(words):
        if word.strip().lower() not in PARTS:
            raise MethodError(f"{where(row)}: split {word!r} is none of train, val and test")
    return np.array([PARTS[word.strip().lower()] for word in words], dtype="<U5")


def empty_classes(labels: np.ndarray, classes: list[str]) -> list[str]:
    """The classes of which there is no image."""
    return [name for number, name in enumerate(classes) if not (labels == number).any()]
