"""Archives of arrays whose bytes depend on the arrays alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

#: NumPy's own `savez` stamps each member with the time, so that equal arrays would give other bytes each time.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays as an uncompressed `.npz`, as `numpy.savez` does, with fixed times."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
