"""Files of arrays whose bytes depend on the arrays alone, and whose writers say why they could not go on."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

#: NumPy's own `savez` stamps each member with the time, so that equal arrays would give other bytes each time.
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: Rows written at once.
_ROWS = 4096


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays as an uncompressed `.npz`, as `numpy.savez` does, with fixed times."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def write_npy(path: Path, array: np.ndarray) -> None:
    """Write one array, row by row, as `numpy.save` does.

    NumPy writes to a file from C, and its error does not tell that the disk is full.

    Raises:
        OSError: with its number, such as ENOSPC.
    """
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
        )
        for start in range(0, len(array), _ROWS):
            file.write(np.ascontiguousarray(array[start : start + _ROWS]).data)
