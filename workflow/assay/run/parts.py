"""Synthetic images under way, in a work folder that outlives the process."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay.run import faults
from assay.run.files import read_json, write_json


class Parts:
    """Keeps images as they are made, so that a killed job goes on with the next one.

    Images lie in a memory-mapped file, `sampled.npy`, and `sampled.json` says how many of the first are whole. It is
    written after them, so what it counts is there.

    Args:
        folder: the work folder.
    """

    def __init__(self, folder: Path):
        self._images = folder / "sampled.npy"
        self._progress = folder / "sampled.json"
        self._map: np.memmap | None = None

    def open(self, shape: tuple[int, ...]) -> tuple[np.ndarray, int, int]:
        """The images to fill, uint8 of `shape`, how many of the first are whole, and evaluations for one of them."""
        progress = read_json(self._progress)
        if progress:
            try:
                found = np.lib.format.open_memmap(self._images, "r+")
            except (OSError, ValueError):
                progress = None
            else:
                if found.shape == shape and found.dtype == np.uint8:
                    self._map = found
                    print(f"resuming at image {progress['images']} of {shape[0]}")
                    return found, progress["images"], progress["evaluations"]
        self._progress.unlink(missing_ok=True)
        self._map = np.lib.format.open_memmap(self._images, "w+", np.uint8, shape)
        return self._map, 0, 0

    def keep(self, images: int, evaluations: int) -> None:
        """From now on the first `images` are whole; `evaluations` were needed for one of them."""
        assert self._map is not None
        self._map.flush()
        write_json(self._progress, {"images": images, "evaluations": evaluations})
        faults.point("sampled")
