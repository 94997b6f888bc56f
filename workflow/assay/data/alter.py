"""What a study does to a dataset on purpose: classes left out, fewer images, imbalance, wrong labels.

Imbalance, subset and label noise touch the train split alone, so every arm is judged on the same clean images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from assay.data.dataset import Dataset, Split
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.errors import nearest


def choose_classes(dataset: Dataset, spec: dict[str, Any]) -> Dataset:
    """Keep some classes, and set others aside as the split `hold-out`; the class list is renumbered.

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
        if name not in dataset.classes:
            guess = nearest(name, dataset.classes)
            raise MethodError(
                f"classes: there is no class {name!r}; there are {', '.join(dataset.classes)}"
                + (f"; did you mean {guess!r}?" if guess else "")
            )
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
        part = split.take(table[split.labels] >= 0)
        soft = None if part.soft is None else _among(part.soft[:, [dataset.classes.index(name) for name in kept]])
        splits[name] = replace(part, labels=table[part.labels], original=table[part.original], soft=soft)
        part = split.take(aside[split.labels] >= 0)
        nowhere = np.full(len(part), -1, np.int64)
        removed.append(replace(part, labels=nowhere, original=aside[part.original], soft=None))
    if before or held:
        splits["hold-out"] = join(removed)
    return Dataset(kept, splits, {**dataset.card, "held-out": [*before, *held]})


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
        if name not in dataset.classes:
            guess = nearest(name, dataset.classes)
            raise MethodError(
                f"class-map: there is no class {name!r}; there are {', '.join(dataset.classes)}"
                + (f"; did you mean {guess!r}?" if guess else "")
            )
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
        part = split.take(table[split.labels] > -2)
        soft = None if part.soft is None else _among(part.soft @ into)
        splits[key] = replace(part, labels=table[part.labels], original=table[part.original], soft=soft)
    return Dataset(classes, splits, dataset.card)


def _among(votes: np.ndarray) -> np.ndarray:
    """Shares of votes once some classes are gone: rows that sum to 1; where no vote is left, all classes alike."""
    total = votes.sum(1, keepdims=True)
    return np.where(total > 0, votes / np.where(total > 0, total, 1), 1 / votes.shape[1]).astype(np.float32)


def join(splits: list[Split]) -> Split:
    """The images of several splits in one; a group, flag or soft label that one of them lacks is left out."""
    flags = set.intersection(*(set(split.flags) for split in splits))
    groups = [split.groups for split in splits if split.groups is not None]
    soft = [split.soft for split in splits if split.soft is not None]
    return Split(
        np.concatenate([split.images for split in splits]),
        np.concatenate([split.labels for split in splits]),
        np.concatenate([split.ids for split in splits]),
        np.concatenate([split.original for split in splits]),
        np.concatenate(groups) if len(groups) == len(splits) else None,
        {name: np.concatenate([split.flags[name] for split in splits]) for name in sorted(flags)},
        np.concatenate(soft) if len(soft) == len(splits) else None,
    )


def class_order(split: Split, classes: list[str], streams: Streams) -> list[np.ndarray]:
    """The images of each class in a random order of stream `alteration`: K arrays of indices.

    Whatever thins a class keeps the first of this order, so that a smaller set lies within a larger one.
    """
    return [
        (members := np.flatnonzero(split.labels == k))[
            streams.numpy("alteration", "order", name).permutation(len(members))
        ]
        for k, name in enumerate(classes)
    ]


def subset(split: Split, classes: list[str], count: int, streams: Streams) -> Split:
    """`count` images, each class in its share; within a larger subset of the same stream.

    Shares are those of Webster's method (the i-th image of a class with n images comes at (i + 1/2) / n): they
    never shrink as `count` grows, which rounding by largest remainders does not grant.

    Raises:
        MethodError: fewer images than asked for.
    """
    if count > len(split):
        raise MethodError(f"subset: {count} images asked for, but the train split has {len(split)}")
    orders = class_order(split, classes, streams)
    indices = np.concatenate(orders)
    place = np.concatenate([(np.arange(len(order)) + 0.5) / max(len(order), 1) for order in orders])
    return split.take(np.sort(indices[np.argsort(place, kind="stable")[:count]]))


def thin(split: Split, classes: list[str], keep: Callable[[np.ndarray], np.ndarray], streams: Streams) -> Split:
    """Keep `keep(counts)` images of each class; `keep` is an `imbalance` method, int64 [K] -> int64 [K].

    Raises:
        MethodError: the method asks for more images than a class has, or for less than none.
    """
    orders = class_order(split, classes, streams)
    counts = np.array([len(order) for order in orders], np.int64)
    wanted = np.asarray(keep(counts.copy()))
    if wanted.shape != counts.shape or (wanted < 0).any() or (wanted > counts).any():
        raise MethodError(f"imbalance: asked for {wanted.tolist()} images of classes that have {counts.tolist()}")
    return split.take(np.sort(np.concatenate([order[:n] for order, n in zip(orders, wanted, strict=True)])))


def corrupt(
    split: Split,
    classes: list[str],
    noise: Callable[[np.ndarray, int, np.random.Generator], np.ndarray],
    streams: Streams,
) -> Split:
    """Put wrong labels; `original` keeps the right ones and the flag `noisy` tells which differ.

    Raises:
        MethodError: the method returns labels that are no classes.
    """
    labels = np.asarray(noise(split.labels.copy(), len(classes), streams.numpy("alteration", "label-noise")))
    if labels.shape != split.labels.shape or (labels < 0).any() or (labels >= len(classes)).any():
        raise MethodError(f"label-noise: expected one label in 0..{len(classes) - 1} for each of {len(split)} images")
    labels = labels.astype(np.int64)
    return replace(split, labels=labels, flags={**split.flags, "noisy": labels != split.original})
