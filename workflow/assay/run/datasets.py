"""Datasets on disk: a memory-mapped array of images a split, a small table beside it, and a card."""

from __future__ import annotations

import io
import mmap
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from assay.data.dataset import Dataset, Split
from assay.run.arrays import write_npy, write_npz
from assay.run.files import read_json, write_json

#: Linux: sets no memory aside for what might be written to a private map. Python 3.11 has no name for it.
_MAP_NORESERVE = 0x4000


def write_dataset(folder: Path, dataset: Dataset, sheet: np.ndarray | None) -> None:
    """Write a dataset, and its contact sheet (uint8 [H,W,C]) if there is one."""
    for name, split in dataset.splits.items():
        write_npy(folder / f"{name}.images.npy", split.images)
        table = {"id": split.ids.astype(str), "label": split.labels, "original_label": split.original}
        if split.groups is not None:
            table["group"] = split.groups.astype(str)
        if split.soft is not None:
            table["soft"] = split.soft
        table |= {f"flag.{flag}": values for flag, values in split.flags.items()}
        write_npz(folder / f"{name}.npz", **table)
    write_json(folder / "card.json", {"classes": dataset.classes, "splits": list(dataset.splits), **dataset.card})
    if sheet is not None:
        # Pillow's writer hides from its caller that a disk is full.
        content = io.BytesIO()
        Image.fromarray(sheet.squeeze()).save(content, "PNG")
        (folder / "sheet.png").write_bytes(content.getvalue())


def read_dataset(folder: Path) -> Dataset:
    """Read a dataset; its images stay on disk until they are touched, in pages that all processes share.

    Nothing written to the images reaches the file.

    Raises:
        FileNotFoundError: the folder holds no dataset.
    """
    card = read_json(folder / "card.json")
    if card is None:
        raise FileNotFoundError(f"{folder} holds no dataset")
    return Dataset(card["classes"], {name: _read_split(folder, name) for name in card["splits"]}, card)


def _read_split(folder: Path, name: str) -> Split:
    images = _mapped(folder / f"{name}.images.npy")
    with np.load(folder / f"{name}.npz", allow_pickle=False) as table:
        return Split(
            images,
            table["label"],
            table["id"],
            table["original_label"],
            table.get("group"),
            {key.removeprefix("flag."): table[key] for key in table.files if key.startswith("flag.")},
            table.get("soft"),
        )


def _mapped(file: Path) -> np.ndarray:
    """The array of a file as a memory map, copied where it is written to.

    Torch has no read-only tensors, and would let a write to a map of NumPy's mode "r" crash. For one of mode "c" Linux
    sets the whole size aside in case all of it is written to, and so refuses a file that is larger than its memory.
    """
    opened = np.load(file, mmap_mode="r", allow_pickle=False)
    if sys.platform != "linux" or not opened.size:
        return np.load(file, mmap_mode="c", allow_pickle=False)
    with file.open("rb") as handle:
        pages = mmap.mmap(handle.fileno(), 0, mmap.MAP_PRIVATE | _MAP_NORESERVE, mmap.PROT_READ | mmap.PROT_WRITE)
    order: Any = "C" if opened.flags.c_contiguous else "F"
    array = np.ndarray.__new__(np.memmap, opened.shape, opened.dtype, pages, opened.offset, order=order)
    array.filename, array.offset, array.mode = opened.filename, opened.offset, "c"
    return array
