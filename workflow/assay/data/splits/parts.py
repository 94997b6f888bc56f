"""Cutting images into train, val and test, at random or as their source says."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.data.raw import Raw
from assay.data.splits import groups, images
from assay.errors import MethodError
from assay.streams import Streams


def parts(raw: Raw, spec: dict[str, Any] | None, streams: Streams) -> np.ndarray:
    """The split of each image of `raw`: text [N] of `train`, `unlabelled`, `val`, `test`.

    Without `spec` the official split stands (the column `split` of a csv is one); an image of a source that has none
    goes to `test`. A value above 0 makes that split anew, from the pooled images of all splits made anew and of train:
    below 1 it is a share of them, from 1 on a number of images. A value of 0 leaves the official split as it is, so
    a fixed test split is never touched by a new val split, nor a fixed val split by a new test split. Images that are
    officially unlabelled stay so.

    With `folds` the test split is one of as many equal parts of one permutation: the folds of one stream share no image
    and lose none.

    Args:
        raw: images with labels and, perhaps, official parts and groups.
        spec: `{"val": share or count, "test": share or count, "stratify": bool, "by": "image" or "group",
            "folds": int or None, "fold": int or None}` or None; a missing key means its default.
        streams: stream `split` is used.

    Raises:
        MethodError: shares or counts that leave nothing to train on, no groups to cut by, a group that the official
            splits tear apart, too few groups.
    """
    made = np.full(len(raw.images), "test" if spec is None else "train", dtype="<U10")
    if raw.parts is not None:
        made = raw.parts.astype("<U10")
    if spec is None:
        return made
    folds = int(spec.get("folds") or 0)
    wanted = {name: spec.get(name) or 0 for name in ("test", "val")}
    anew = [name for name, value in wanted.items() if value or (name == "test" and folds)]
    pool = np.isin(made, ["train", *anew])
    _leave_some(wanted, folds, int(pool.sum()))
    made[pool] = "train"
    by_group = spec.get("by", "image") == "group"
    cut = (groups if by_group else images).cut(raw, pool, {**spec, **wanted, "folds": folds}, streams)
    for name, members in cut.items():
        made[members] = name
    if by_group:
        _whole_groups(raw, made, anew)
    return made


def _leave_some(wanted: dict[str, float], folds: int, pooled: int) -> None:
    """Something must be left to train on."""
    shares = sum(value for value in wanted.values() if value < 1) + (1 / folds if folds else 0)
    counts = sum(value for value in wanted.values() if value >= 1)
    if min(wanted.values()) < 0 or shares >= 1 or counts >= max(pooled * (1 - shares), 1):
        raise MethodError(
            f"split: val {wanted['val']} and test {f'1/{folds}' if folds else wanted['test']} of {pooled} images must "
            "leave images to train on"
        )


def _whole_groups(raw: Raw, made: np.ndarray, anew: list[str]) -> None:
    """No group on two sides, and no split that was asked for without any."""
    assert raw.groups is not None
    pairs = np.unique(np.stack([raw.groups.astype(str), made]), axis=1)
    names, counts = np.unique(pairs[0], return_counts=True)
    if (counts > 1).any():
        torn = names[counts > 1][0]
        where = " and ".join(pairs[1][pairs[0] == torn])
        raise MethodError(
            f"split: group {torn} has images in {where}, as the source cuts them; give `val` and `test` to cut all anew"
        )
    for name in (*anew, "train"):
        if not (made == name).any():
            raise MethodError(f"split: {len(names)} groups are too few or too large to give {name} any of them")
