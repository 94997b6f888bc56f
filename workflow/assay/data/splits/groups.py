"""Cutting group by group (a patient, a lesion), so that no group is ever on two sides."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.data.raw import Raw
from assay.data.splits.images import stratum
from assay.errors import MethodError
from assay.streams import Streams


def cut(raw: Raw, pool: np.ndarray, spec: dict[str, Any], streams: Streams) -> dict[str, np.ndarray]:
    """The images of `test` and `val`, as indices into `raw`, whole groups in each.

    Groups come in a random order, with `stratify` those of each majority class in one of their own, and a group is
    taken when that brings the number of images closer to the one asked for. What a class gives too little or too much,
    the next makes up for. The test split is thus off by at most half the largest group.

    Args:
        raw: the images; `groups` are needed.
        pool: bool [N], those that may be cut off.
        spec: as for `parts`, complete.
        streams: stream `split` is used.

    Raises:
        MethodError: the source knows no groups.
    """
    if raw.groups is None:
        raise MethodError("split: `by: group` needs groups, which the source has not; name a file under `groups`")
    members = _members(raw, pool)
    sizes = np.array([len(group) for group in members], np.int64)
    orders = _orders(raw, members, bool(spec.get("stratify", True)), streams)
    if spec["folds"]:
        fold = (_folds(orders, sizes, spec["folds"]) - int(spec.get("fold") or 0)) % spec["folds"]
        test = np.flatnonzero(fold == 0)
        orders = [order[np.argsort(fold[order], kind="stable")] for order in orders]
    else:
        test = _choose(orders, sizes, spec["test"])
    left = [order[~np.isin(order, test)] for order in orders]
    val = _choose(left, sizes, spec["val"])
    return {name: _images(members, chosen) for name, chosen in (("test", test), ("val", val))}


def _members(raw: Raw, pool: np.ndarray) -> list[np.ndarray]:
    """The pooled images of each group, groups by name."""
    assert raw.groups is not None
    indices = np.flatnonzero(pool)
    names = raw.groups.astype(str)[indices]
    order = np.argsort(names, kind="stable")
    starts = np.flatnonzero(names[order][1:] != names[order][:-1]) + 1
    return np.split(indices[order], starts) if len(names) else []


def _orders(raw: Raw, members: list[np.ndarray], stratify: bool, streams: Streams) -> list[np.ndarray]:
    """Groups in a random order, those of each majority class (the first of equals) on their own."""
    if not stratify:
        return [streams.numpy("split", "groups").permutation(len(members))]
    major = np.zeros(len(members), np.int64)
    for number, group in enumerate(members):
        labels, counts = np.unique(raw.labels[group], return_counts=True)
        major[number] = labels[counts.argmax()]
    orders = []
    for label in np.unique(major):
        of_class = np.flatnonzero(major == label)
        orders.append(of_class[streams.numpy("split", "groups", stratum(raw, label)).permutation(len(of_class))])
    return orders


def _choose(orders: list[np.ndarray], sizes: np.ndarray, wanted: float) -> np.ndarray:
    """Groups whose images come close to a share of all, or to a count.

    Args:
        orders: candidates of each stratum, in the order in which they are looked at.
        sizes: images of each group, candidate or not.
        wanted: below 1 a share, else a count.
    """
    offered = np.array([sizes[order].sum() for order in orders], np.float64)
    target = wanted * sizes.sum() if wanted < 1 else wanted
    chosen: list[int] = []
    missing = 0.0
    for order, part in zip(orders, offered / max(offered.sum(), 1), strict=True):
        missing += target * part
        for group in order.tolist():
            if abs(missing - sizes[group]) < abs(missing):
                chosen.append(group)
                missing -= sizes[group]
    return np.array(chosen, np.int64)


def _folds(orders: list[np.ndarray], sizes: np.ndarray, folds: int) -> np.ndarray:
    """The fold of each group: the largest groups first, each to the fold that has fewest images of its class.

    Of equals it is the fold with fewest images in all.

    Raises:
        MethodError: fewer groups than folds.
    """
    if len(sizes) < folds:
        raise MethodError(f"split: {len(sizes)} groups cannot be dealt out to {folds} folds")
    made = np.zeros(len(sizes), np.int64)
    total = np.zeros(folds, np.int64)
    for order in orders:
        held = np.zeros(folds, np.int64)
        for group in order[np.argsort(-sizes[order], kind="stable")].tolist():
            fold = int(np.lexsort((total, held))[0])
            made[group] = fold
            held[fold] += sizes[group]
            total[fold] += sizes[group]
    return made


def _images(members: list[np.ndarray], chosen: np.ndarray) -> np.ndarray:
    return np.concatenate([members[group] for group in chosen]) if len(chosen) else np.zeros(0, np.int64)
