"""SVHN: house numbers from street views."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from assay import Option, Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Parts, Route, obtain, publish
from assay.data.raw import Raw
from assay.errors import MethodError

_HOME = "http://ufldl.stanford.edu/housenumbers/"
_MD5 = {
    "train": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test": "eb5a983be6a315427106f1b164d9cef3",
    "extra": "a93ce644f1a588dc4d68dda5feec44a7",
}


@method(
    "source",
    "svhn",
    summary="house numbers cut out of street views, 32 x 32 RGB, ten classes",
    paper="Netzer et al. 2011",
    options={"extra": Option(False, "add the 531,131 easier images of the extra set to train, after its own")},
    shapes="images uint8 [N,32,32,3], labels int64 [N]; train 73,257 (604,388 with `extra`) and test 26,032",
    origin=Origin(
        archive="http://ufldl.stanford.edu/housenumbers/",
        licence="non-commercial use only",
        citation="Netzer et al. (2011), Reading Digits in Natural Images, NIPS workshop on deep learning",
        counts={"plain": {"train": 73257, "test": 26032}, "extra": {"train": 604388, "test": 26032}},
    ),
)
def svhn(given: Given, *, extra: bool) -> Raw:
    """The cropped digits, MATLAB files with `X` [32,32,3,N] and `y` [N,1], in which 10 stands for the digit 0.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the files are nowhere to be had.
    """
    names = ["train", "test", *(["extra"] if extra else [])]
    files = tuple(
        Archive(f"svhn/{name}_32x32.mat", (f"{_HOME}{name}_32x32.mat",), md5=_MD5[name]) for name in names
    )  # fmt: skip

    def read(train: Path, test: Path, *more: Path) -> Parts:
        parts = [_read(path) for path in (train, *more)]
        return {
            "train": (np.concatenate([images for images, _ in parts]), np.concatenate([labels for _, labels in parts])),
            "test": _read(test),
        }

    parts = obtain(given.files, [Route(files, read)])
    return publish(svhn, parts, [str(digit) for digit in range(10)], choice="extra" if extra else "plain")


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images [N,32,32,3] and labels [N] of one file."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        found = loadmat(path, variable_names=["X", "y"])
    except (MatReadError, ValueError, TypeError, NotImplementedError, OSError, EOFError, zlib.error) as error:
        raise MethodError(f"{path.name} cannot be read as a MATLAB file: {error}") from None
    images, labels = found.get("X", np.zeros(0)), found.get("y", np.zeros(0)).reshape(-1)
    if images.dtype != np.uint8 or images.shape[:3] != (32, 32, 3):
        raise MethodError(f"{path.name}: X must be uint8 [32,32,3,N], not {images.dtype} {list(images.shape)}")
    return images.transpose(3, 0, 1, 2), np.where(labels == 10, 0, labels.astype(np.int64))
