"""Cutting image by image, each class for itself or all together."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.data.apportion import webster
from assay.data.raw import Raw
from assay.streams import Streams


def cut(raw: Raw, pool: np.ndarray, spec: dict[str, Any], streams: Streams) -> dict[str, np.ndarray]:
    """The images of `test` and `val`, as indices into `raw`.

    With `stratify` each class is cut for itself, from a draw of its own: with shares, leaving one class out, or adding
    images to it, does not move the images of another. Counts are dealt out to the classes by Webster's method.

    Args:
        raw: the images.
        pool: bool [N], those that may be cut off.
        spec: as for `parts`, complete.
        streams: stream `split` is used.
    """
    orders = [
        members[streams.numpy("split", key).permutation(len(members))]
        for key, members in strata(raw, pool, bool(spec.get("stratify", True)))
    ]
    sizes = np.array([len(order) for order in orders], np.int64)
    if spec["folds"]:
        test, rest = _fold(orders, spec["folds"], int(spec.get("fold") or 0))
    else:
        counts = _quota(spec["test"], sizes, sizes)
        test = [order[:count] for order, count in zip(orders, counts, strict=True)]
        rest = [order[count:] for order, count in zip(orders, counts, strict=True)]
    counts = _quota(spec["val"], sizes, np.array([len(order) for order in rest], np.int64))
    val = [order[:count] for order, count in zip(rest, counts, strict=True)]
    return {"test": _joined(test), "val": _joined(val)}


def strata(raw: Raw, pool: np.ndarray, stratify: bool) -> list[tuple[str, np.ndarray]]:
    """What is cut on its own: each class, or everything."""
    if not stratify:
        return [("all", np.flatnonzero(pool))]
    return [(stratum(raw, k), np.flatnonzero(pool & (raw.labels == k))) for k in np.unique(raw.labels[pool])]


def stratum(raw: Raw, label: int) -> str:
    """The name under which a class draws."""
    return f"class {raw.classes[label]}" if label >= 0 else "no class"


def _quota(wanted: float, sizes: np.ndarray, left: np.ndarray) -> np.ndarray:
    """How many images each stratum gives: a share of its size, or its part of a count; at most what is left."""
    if wanted >= 1:
        return webster(left, int(wanted))
    return np.minimum((wanted * sizes + 0.5).astype(np.int64), left)


def _fold(orders: list[np.ndarray], folds: int, fold: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The images of one fold, and the others with those of the next fold first.

    Images are dealt out one by one, through all classes in a row, so that both the folds and each class in them differ
    by one image at most.
    """
    start, test, rest = 0, [], []
    for order in orders:
        number = (np.arange(start, start + len(order)) - fold) % folds
        start += len(order)
        test.append(order[number == 0])
        rest.append(order[np.argsort(number, kind="stable")][len(test[-1]) :])
    return test, rest


def _joined(members: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(members) if members else np.zeros(0, np.int64)
