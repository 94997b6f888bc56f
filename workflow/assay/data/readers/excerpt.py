"""A part of a published set in one NumPy archive, as mirrors keep it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay.data.published import Parts
from assay.data.readers.arrays import read_npz
from assay.errors import MethodError


def read_excerpt(path: Path, shape: tuple[int, int, int]) -> tuple[Parts, list[str]]:
    """The images as the part `test`, and the class names.

    Args:
        path: a .npz with `images` uint8 [N,*shape], `labels` [N] and `class_names` [K].
        shape: height, width and channels of an image.

    Raises:
        MethodError: an array that is missing or of another kind or shape.
    """
    arrays = read_npz(path)
    missing = [name for name in ("images", "labels", "class_names") if name not in arrays]
    if missing:
        raise MethodError(f"{path.name}: there is no array {', '.join(missing)}")
    images, labels = arrays["images"], arrays["labels"]
    if images.dtype != np.uint8 or images.shape[1:] != shape:
        raise MethodError(f"{path.name}: expected images uint8 [N, {', '.join(map(str, shape))}]")
    return {"test": (images, labels.astype(np.int64))}, [str(name) for name in arrays["class_names"]]
