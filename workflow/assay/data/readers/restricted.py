"""Unpickling lists, numbers, text and arrays, and nothing that could run code."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
from numpy._core import multiarray

from assay.errors import MethodError

#: What pickles of arrays call, by the names under which NumPy has had it since version 1.
_ALLOWED: dict[tuple[str, str], Any] = {
    (f"numpy.{core}.multiarray", name): getattr(multiarray, name)
    for core in ("core", "_core")
    for name in ("_reconstruct", "scalar")
}
_ALLOWED |= {("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): np.dtype}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes into a pickle that Python 2 can read
            return _encode
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is neither an array nor plain data")
        return _ALLOWED[module, name]


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes written as {encoding}")
    return text.encode(encoding)


def unpickle(data: bytes, name: str) -> Any:
    """The value of a pickle, also one of Python 2 (its byte strings become text, byte by byte).

    Raises:
        MethodError: the pickle is damaged, or would call anything but the making of arrays.
    """
    try:
        return _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # a damaged pickle can raise anything
        raise MethodError(f"{name} cannot be read as plain data: {error}") from None
