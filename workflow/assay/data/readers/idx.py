"""The idx format of MNIST and its kin: big-endian sizes, then bytes (http://yann.lecun.com/exdb/mnist)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay.data.archive import Archive, Package
from assay.data.published import Parts, Route
from assay.data.unpack import inflate, members
from assay.errors import MethodError

#: The four files of a set: images and labels of train, then of test.
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def parse(data: bytes, name: str, dimensions: int) -> np.ndarray:
    """An array of bytes, uint8 with as many dimensions as expected, from the contents of an idx file.

    Raises:
        MethodError: another type or number of dimensions, or another length than the header says.
    """
    if len(data) < 4 or data[:3] != b"\0\0\x08" or data[3] != dimensions:
        raise MethodError(f"{name}: expected an idx file of bytes in {dimensions} dimensions, found {data[:4].hex()}")
    start = 4 + 4 * dimensions
    shape = tuple(int(size) for size in np.frombuffer(data[4:start], ">u4"))
    if len(data) - start != np.prod(shape, dtype=np.int64):
        raise MethodError(f"{name}: its header says {shape}, but {len(data) - start} bytes follow")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def parts(files: dict[str, bytes]) -> Parts:
    """Images [N,H,W,1] and labels [N] of train and test from the four files, gzipped or not.

    Raises:
        MethodError: one is missing, damaged or no idx file.
    """
    for name in NAMES:
        if name not in files:
            raise MethodError(f"there is no {name} in the archive, only {', '.join(sorted(files)) or 'other files'}")
    images = [parse(inflate(files[name], name), name, 3)[..., None] for name in (NAMES[0], NAMES[2])]
    labels = [parse(inflate(files[name], name), name, 1) for name in (NAMES[1], NAMES[3])]
    return {"train": (images[0], labels[0]), "test": (images[1], labels[1])}


def official(folder: str, addresses: list[str], md5s: list[str]) -> Route[Parts]:
    """The four gzipped files, under the addresses that they have in common."""

    def read(*paths: Path) -> Parts:
        return parts({name: path.read_bytes() for name, path in zip(NAMES, paths, strict=True)})

    return Route(
        tuple(
            Archive(f"{folder}/{name}.gz", tuple(f"{address}{name}.gz" for address in addresses), md5)
            for name, md5 in zip(NAMES, md5s, strict=True)
        ),
        read,
    )


def packaged(package: Package) -> Route[Parts]:
    """The four files, gzipped or not, in a registry's package."""

    def read(path: Path) -> Parts:
        found = members(path, lambda name: _base(name) in NAMES)
        return parts({_base(name): data for name, data in found})

    return Route((package,), read)


def _base(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".gz")
