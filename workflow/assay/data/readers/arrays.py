"""NumPy's own files, pickled objects refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from assay.errors import MethodError


def read_npy(file: Path | bytes, name: str = "") -> np.ndarray:
    """The array of a `.npy` file.

    Raises:
        MethodError: damaged, cut short, or an array of objects.
    """
    found = _load(file, name)
    if not isinstance(found, np.ndarray):
        raise MethodError(f"{_name(file, name)} holds several arrays, expected one")
    return found


def read_npz(file: Path) -> dict[str, np.ndarray]:
    """Every array of a `.npz` file; errors as in `read_npy`."""
    found = _load(file, "")
    if isinstance(found, np.ndarray):
        raise MethodError(f"{file.name} holds one array, expected several with names")
    with found:
        try:
            return {name: found[name] for name in found.files}
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise MethodError(f"{file.name} is damaged: {error}") from None


def _load(file: Path | bytes, name: str) -> np.ndarray | np.lib.npyio.NpzFile:
    try:
        return np.load(io.BytesIO(file) if isinstance(file, bytes) else file, allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise MethodError(f"{_name(file, name)} cannot be read as plain arrays: {error}") from None


def _name(file: Path | bytes, name: str) -> str:
    return name or (file.name if isinstance(file, Path) else "the file")
