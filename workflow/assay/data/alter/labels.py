"""Wrong labels, and labels that training may not see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from assay.data.alter.join import join
from assay.data.alter.subject import Subject
from assay.data.alter.thin import class_order
from assay.data.apportion import webster
from assay.data.archive import Files
from assay.data.dataset import Split
from assay.errors import MethodError
from assay.streams import Streams


def corrupt(
    split: Split,
    classes: list[str],
    noise: Callable[[Subject], np.ndarray],
    streams: Streams,
    files: Files,
) -> Split:
    """Put wrong labels; `original` keeps the right ones and the flag `noisy` tells which differ.

    Raises:
        MethodError: the method returns labels that are no classes.
    """
    rng = streams.numpy("alteration", "label-noise")
    train = Subject("train", split.images, split.labels.copy(), split.ids, tuple(classes), rng, files)
    labels = np.asarray(noise(train))
    if labels.shape != split.labels.shape or (labels < 0).any() or (labels >= len(classes)).any():
        raise MethodError(f"label-noise: expected one label in 0..{len(classes) - 1} for each of {len(split)} images")
    labels = labels.astype(np.int64)
    return replace(split, labels=labels, flags={**split.flags, "noisy": labels != split.original})


def budget(
    train: Split, unlabelled: Split | None, classes: list[str], count: int, streams: Streams
) -> tuple[Split, Split]:
    """The images that keep their labels, and those without, joined to any that had none before.

    Each class keeps its share of the labels by Webster's method and the first images of its order: a smaller budget
    lies within a larger one of the same stream. What tells the label of an image goes with it: the label is -1, votes
    are gone, and no image without a label has a wrong one; `original` keeps the true class, for evaluations alone.

    Raises:
        MethodError: fewer images than labels asked for.
    """
    if count > len(train):
        raise MethodError(f"labels: {count} asked for, but the train split has {len(train)} images")
    orders = class_order(train, classes, streams, "labels")
    counts = webster(np.array([len(order) for order in orders], np.int64), count)
    kept = np.zeros(len(train), bool)
    for order, number in zip(orders, counts, strict=True):
        kept[order[:number]] = True
    rest = train.take(~kept)
    flags = {name: flag & False if name == "noisy" else flag for name, flag in rest.flags.items()}
    rest = replace(rest, labels=np.full(len(rest), -1, np.int64), flags=flags, soft=None)
    return train.take(kept), rest if unlabelled is None else join([unlabelled, rest])
