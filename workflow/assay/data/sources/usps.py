"""USPS: digits from envelopes, with a test set that people find hard."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay import Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Route, obtain, publish
from assay.data.raw import Raw
from assay.data.unpack import inflate
from assay.errors import MethodError

_HOME = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"


@method(
    "source",
    "usps",
    summary="9,298 digits scanned from US mail, 16 x 16 grey, ten classes",
    paper="Hull 1994, doi:10.1109/34.291440",
    shapes="images uint8 [9298,16,16,1], labels int64 [9298]; train 7,291 and test 2,007",
    origin=Origin(
        archive="https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
        licence="none stated",
        citation="Hull (1994), A database for handwritten text recognition research, doi:10.1109/34.291440",
        counts={"train": 7291, "test": 2007},
    ),
)
def usps(given: Given) -> Raw:
    """The files of LIBSVM: a line an image, `label 1:value ... 256:value`, values from -1 to 1, labels from 1.

    A value v becomes the pixel (v + 1) / 2 * 255, rounded down in float32, as torchvision has it.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the files are nowhere to be had.
    """
    files = (
        Archive("usps/usps.bz2", (_HOME + "usps.bz2",), md5="ec16c51db3855ca6c91edd34d0e9b197"),
        Archive("usps/usps.t.bz2", (_HOME + "usps.t.bz2",), md5="8ea070ee2aca1ac39742fdd1ef5ed118"),
    )
    parts = obtain(given.files, [Route(files, lambda train, test: {"train": _read(train), "test": _read(test)})])
    return publish(usps, parts, [str(digit) for digit in range(10)])


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images [N,16,16,1] and labels [N] of one file."""
    try:
        numbers = np.array(inflate(path).replace(b":", b" ").split(), np.float32).reshape(-1, 1 + 2 * 256)
    except ValueError as error:
        raise MethodError(f"{path.name} is no file of labels and 256 values a line: {error}") from None
    if (numbers[:, 1::2] != np.arange(1, 257)).any():
        raise MethodError(f"{path.name}: the values of a line must be numbered from 1 to 256")
    pixels = ((numbers[:, 2::2] + 1) / 2 * 255).astype(np.uint8)
    return pixels.reshape(-1, 16, 16, 1), numbers[:, 0].astype(np.int64) - 1
