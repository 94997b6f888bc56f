"""Images that stay in their files, for sets that are larger than the memory there is for them."""

from __future__ import annotations

import itertools
import mmap
import os
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np


class Streamed:
    """Several arrays `uint8 [N,H,W,C]` as if they were one, of which nothing is read but what is asked for.

    Where an array is a memory map its file is read instead: pages that are touched through a map count as memory of
    this process for as long as the system has room, what is read from a file does not.

    Args:
        arrays: at least one; all have the same `[H,W,C]`.
    """

    def __init__(self, arrays: Sequence[np.ndarray]):
        self.arrays = [_File(array) if _File.holds(array) else array for array in arrays]
        self.starts = np.cumsum([0, *(len(array) for array in arrays)])
        self.shape = (int(self.starts[-1]), *arrays[0].shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: slice | np.ndarray) -> np.ndarray:
        """A copy of the images at some places (a slice or int64 `[B]`), `uint8 [B,H,W,C]`."""
        places = np.arange(len(self))[which] if isinstance(which, slice) else which
        images = np.empty((len(places), *self.shape[1:]), np.uint8)
        owner = np.searchsorted(self.starts, places, side="right") - 1
        for number, array in enumerate(self.arrays):
            mine = np.flatnonzero(owner == number)
            images[mine] = array[places[mine] - self.starts[number]]
        return images


class _File:
    """Images in the file of a memory map."""

    def __init__(self, array: np.ndarray):
        root = _mapped(array)
        assert root is not None
        assert root.filename is not None
        self.shape = array.shape
        self.image = int(np.prod(array.shape[1:]))
        self.start = root.offset + array.ctypes.data - root.ctypes.data
        self.file = os.open(root.filename, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self.file)

    @staticmethod
    def holds(array: np.ndarray) -> bool:
        """Whether an array lies in a file as it lies in memory."""
        root = _mapped(array)
        return root is not None and root.filename is not None and bool(array.flags.c_contiguous)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        """The images at places int64 `[B]`; neighbours are read at once.

        Raises:
            OSError: the file is shorter than it was.
        """
        images = np.empty((len(places), self.image), np.uint8)
        starts = np.flatnonzero(np.diff(places, prepend=-2) != 1).tolist()
        for first, last in itertools.pairwise([*starts, len(places)]):
            at = self.start + int(places[first]) * self.image
            rest = images[first:last].data.cast("B")
            while rest:
                done = os.preadv(self.file, [rest], at)
                if not done:
                    raise OSError(f"a file of images ends at byte {at}, before its last image")
                rest, at = rest[done:], at + done
        return images.reshape(-1, *self.shape[1:])


def _mapped(array: np.ndarray) -> np.memmap[Any, Any] | None:
    """The memory map that an array is a view of, or None."""
    base: Any = array
    while isinstance(base, np.ndarray) and not isinstance(base.base, mmap.mmap):
        base = base.base
    return base if isinstance(base, np.memmap) else None
