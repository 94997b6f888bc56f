"""Cutting images into train, val and test, at random or as their source says."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.data.raw import Raw
from assay.errors import MethodError
from assay.streams import Streams


def parts(raw: Raw, spec: dict[str, Any] | None, streams: Streams) -> np.ndarray:
    """The split of each image of `raw`: text [N] of `train`, `unlabelled`, `val`, `test`.

    Without `spec` the official split stands; an image of a source that has none goes to `test`. A fraction above 0
    makes that split anew: it is that share of the pooled images of all splits made anew and of train. A fraction of
    0 leaves the official split as it is. Images that are officially unlabelled stay so.

    With `stratify` each class is cut for itself, from a draw of its own: leaving one class out, or adding images to
    it, does not move the images of another.

    Args:
        raw: images with labels and, perhaps, official parts.
        spec: `{"val": fraction, "test": fraction, "stratify": bool}` or None.
        streams: stream `split` is used.

    Raises:
        MethodError: fractions that leave nothing to train on.
    """
    official = raw.parts
    if spec is None:
        return np.full(len(raw.images), "test", dtype="<U10") if official is None else official.astype("<U10")
    fractions = {name: float(spec.get(name) or 0) for name in ("test", "val")}
    if min(fractions.values()) < 0 or sum(fractions.values()) >= 1:
        raise MethodError(f"split: val {fractions['val']} and test {fractions['test']} must leave images to train on")
    made = np.full(len(raw.images), "train", dtype="<U10") if official is None else official.astype("<U10")
    pool = np.isin(made, ["train", *(name for name, fraction in fractions.items() if fraction > 0)])
    made[pool] = "train"
    for key, members in _strata(raw, pool, bool(spec.get("stratify", True))):
        order = members[streams.numpy("split", key).permutation(len(members))]
        start = 0
        for name, fraction in fractions.items():
            count = int(fraction * len(members) + 0.5)
            made[order[start : start + count]] = name
            start += count
    return made


def _strata(raw: Raw, pool: np.ndarray, stratify: bool) -> list[tuple[str, np.ndarray]]:
    """What is cut on its own: each class, or everything."""
    if not stratify:
        return [("all", np.flatnonzero(pool))]
    present = np.unique(raw.labels[pool])
    return [
        (f"class {raw.classes[k]}" if k >= 0 else "no class", np.flatnonzero(pool & (raw.labels == k))) for k in present
    ]
