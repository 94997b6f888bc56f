"""The arrays of CIFAR-10-C and CIFAR-100-C: five severities of a corruption, one below the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay.data.archive import Archive
from assay.data.published import Parts, Route
from assay.data.readers.arrays import read_npy
from assay.data.unpack import members
from assay.errors import MethodError


def routes(tar: Archive, folder: str, corruption: str, severity: int) -> list[Route[Parts]]:
    """The official tar, and its two arrays of this corruption where a mirror holds them alone."""
    names = (f"{corruption}.npy", "labels.npy")

    def from_tar(path: Path) -> Parts:
        found = {
            name.rpartition("/")[2]: data
            for name, data in members(path, lambda name: name.rpartition("/")[2] in names)
        }  # fmt: skip
        for name in names:
            if name not in found:
                raise MethodError(f"{path.name}: there is no {name} in the archive")
        return _one(*(read_npy(found[name], f"{path.name}: {name}") for name in names), severity=severity)

    def from_arrays(*paths: Path) -> Parts:
        return _one(*(read_npy(path) for path in paths), severity=severity)

    return [Route((tar,), from_tar), Route(tuple(Archive(f"{folder}/{name}") for name in names), from_arrays)]


def _one(images: np.ndarray, labels: np.ndarray, *, severity: int) -> Parts:
    """The images of one severity, the first fifth of the array being severity 1."""
    if images.dtype != np.uint8 or images.shape[1:] != (32, 32, 3) or len(images) % 5 or len(labels) != len(images):
        raise MethodError(
            f"expected five times as many images as the test set has, uint8 [N,32,32,3], and their labels; "
            f"found {images.dtype} {list(images.shape)} and {len(labels)} labels"
        )
    count = len(images) // 5
    rows = slice((severity - 1) * count, severity * count)
    return {"test": (images[rows], labels[rows])}
