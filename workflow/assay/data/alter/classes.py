"""Which classes are learnt, what they are called, and which are held out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from assay.data.alter.join import join
from assay.data.alter.names import number_of
from assay.data.dataset import Dataset, Split
from assay.errors import MethodError


def choose_classes(dataset: Dataset, spec: dict[str, Any]) -> Dataset:
    """Keep some classes, and set others aside as the split `hold-out`; the class list is renumbered.

    Where labels are wrong, what an image truly shows counts: a held-out class is seen under no name.

    Args:
        dataset: has a label -1 in `hold-out` alone, or in sets without classes.
        spec: `{"keep": names in their new order or None for all others, "hold-out": names}`. An image of a class in
            neither list is dropped. A held-out class loses its images in every split; those already in `hold-out` stay.

    Raises:
        MethodError: a class that does not exist, stands in both lists, or no class left.
    """
    held = [str(name) for name in spec.get("hold-out") or []]
    keep = spec.get("keep")
    kept = [name for name in dataset.classes if name not in held] if keep is None else [str(name) for name in keep]
    for name in [*held, *kept]:
        number_of(name, dataset.classes, "classes")
    if set(held) & set(kept):
        raise MethodError(f"classes: {', '.join(sorted(set(held) & set(kept)))} cannot be both kept and held out")
    if not kept:
        raise MethodError("classes: none is left to learn")
    before = list(dataset.card.get("held-out", []))
    table = np.full(len(dataset.classes) + 1, -1, np.int64)  # the last entry is where the label -1 looks
    table[[dataset.classes.index(name) for name in kept]] = np.arange(len(kept))
    aside = np.full(len(dataset.classes) + 1, -1, np.int64)
    if held:
        aside[[dataset.classes.index(name) for name in held]] = len(before) + np.arange(len(held))
    splits: dict[str, Split] = {}
    removed: list[Split] = [dataset.splits["hold-out"]] if "hold-out" in dataset.splits else []
    for name, split in dataset.splits.items():
        if name == "hold-out":
            continue
        part = split.take(_within(name, split, table))
        soft = None if part.soft is None else _among(part.soft[:, [dataset.classes.index(name) for name in kept]])
        splits[name] = replace(part, labels=table[part.labels], original=table[part.original], soft=soft)
        if name == "triggered":
            continue  # copies of test images
        part = split.take(aside[split.original] >= 0)
        nowhere = np.full(len(part), -1, np.int64)
        removed.append(replace(part, labels=nowhere, original=aside[part.original], soft=None))
    if before or held:
        splits["hold-out"] = join(removed)
    return Dataset(kept, splits, {**dataset.card, "held-out": [*before, *held]})


def _within(name: str, split: Split, table: np.ndarray) -> np.ndarray:
    """Which images stay: both what they are and what they are called must be kept; bool [N]."""
    if name == "unlabelled":
        return (split.original < 0) | (table[split.original] >= 0)
    return (table[split.labels] >= 0) & (table[split.original] >= 0)


def rename_classes(dataset: Dataset, names: dict[str, str | None], like: Dataset | None) -> Dataset:
    """Rename classes, join those that get the same name, and drop those renamed to null.

    Args:
        dataset: any.
        names: old name -> new name; a class that is not named keeps its own.
        like: gives the class list and its order; every new name must be in it. Without it, order of appearance.

    Raises:
        MethodError: a name that does not exist.
    """
    for name in names:
        number_of(name, dataset.classes, "class-map")
    target = [names.get(name, name) for name in dataset.classes]
    found = list(dict.fromkeys(name for name in target if name is not None))
    classes = found if like is None else like.classes
    for name in found:
        if name not in classes:
            raise MethodError(
                f"class-map: {name!r} is none of the classes {', '.join(classes)}; map it to one or to null"
            )
    table = np.array([-2 if name is None else classes.index(name) for name in target] + [-1], np.int64)
    into = np.zeros((len(target), len(classes)), np.float32)
    for number, new in enumerate(target):
        if new is not None:
            into[number, classes.index(new)] = 1
    splits = {}
    for key, split in dataset.splits.items():
        if key == "hold-out":
            splits[key] = split  # of classes that are none of these
            continue
        part = split.take((table[split.labels] > -2) & (table[split.original] > -2))
        soft = None if part.soft is None else _among(part.soft @ into)
        part = replace(part, labels=table[part.labels], original=table[part.original], soft=soft)
        if "noisy" in part.flags:  # where two classes are joined, taking one for the other is no longer wrong
            wrong = part.flags["noisy"] & (part.labels != part.original)
            part = replace(part, flags={**part.flags, "noisy": wrong})
        splits[key] = part
    return Dataset(classes, splits, dataset.card)


def _among(votes: np.ndarray) -> np.ndarray:
    """Shares of votes once some classes are gone: rows that sum to 1; where no vote is left, all classes alike."""
    total = votes.sum(1, keepdims=True)
    return np.where(total > 0, votes / np.where(total > 0, total, 1), 1 / votes.shape[1]).astype(np.float32)
