"""Fewer images of the train split: a share of each class, or class by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from assay.data.apportion import webster
from assay.data.dataset import Split
from assay.errors import MethodError
from assay.streams import Streams


def class_order(split: Split, classes: list[str], streams: Streams, part: str = "order") -> list[np.ndarray]:
    """The images of each class in a random order of stream `alteration`: K arrays of indices.

    Whatever thins a class keeps the first of this order, so that a smaller set lies within a larger one. `part` tells
    apart what is thinned for different reasons.
    """
    return [
        (members := np.flatnonzero(split.labels == k))[
            streams.numpy("alteration", part, name).permutation(len(members))
        ]
        for k, name in enumerate(classes)
    ]


def subset(split: Split, classes: list[str], count: int, streams: Streams) -> Split:
    """`count` images, each class in its share by Webster's method; within a larger subset of the same stream.

    Raises:
        MethodError: fewer images than asked for.
    """
    if count > len(split):
        raise MethodError(f"subset: {count} images asked for, but the train split has {len(split)}")
    orders = class_order(split, classes, streams)
    counts = webster(np.array([len(order) for order in orders], np.int64), count)
    return split.take(np.sort(np.concatenate([order[:n] for order, n in zip(orders, counts, strict=True)])))


def thin(
    split: Split,
    classes: list[str],
    keep: Callable[[np.ndarray, Sequence[str]], np.ndarray],
    streams: Streams,
    most: bool = False,
) -> Split:
    """Keep `keep(counts, classes)` images of each class; `keep` is an `imbalance` method, int64 [K] -> int64 [K].

    Args:
        split: the images.
        classes: names, K of them.
        keep: how many to keep.
        streams: stream `alteration` is used.
        most: take what there is of a class that has less than is asked for.

    Raises:
        MethodError: the method asks for more images than a class has, or for less than none.
    """
    orders = class_order(split, classes, streams)
    counts = np.array([len(order) for order in orders], np.int64)
    wanted = np.asarray(keep(counts.copy(), tuple(classes)))
    if wanted.shape != counts.shape or (wanted < 0).any():
        raise MethodError(f"imbalance: expected how many of {len(counts)} classes to keep, not {wanted.tolist()}")
    if most:
        wanted = np.minimum(wanted, counts)
    if (wanted > counts).any():
        k = int(np.flatnonzero(wanted > counts)[0])
        raise MethodError(f"imbalance: {wanted[k]} images of {classes[k]} asked for, but train has {counts[k]}")
    return split.take(np.sort(np.concatenate([order[:n] for order, n in zip(orders, wanted, strict=True)])))
