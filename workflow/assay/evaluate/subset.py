"""The first images of one random order that nothing but their ids decides."""

from __future__ import annotations

import hashlib

import numpy as np


def first(ids: np.ndarray, count: int | None) -> np.ndarray:
    """The places int64 `[M]` of the first `count` images (all if None) in the order of a hash of their ids `[N]`.

    Every arm and seed takes the same images in the same order, and fewer lie within more.
    """
    keys = [hashlib.sha256(f"subset/{name}".encode()).digest() for name in ids]
    order = sorted(range(len(keys)), key=lambda place: (keys[place], str(ids[place])))
    return np.array(order[:count], dtype=np.int64)
