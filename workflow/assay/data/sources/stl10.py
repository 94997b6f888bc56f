"""STL-10: few labels and many images without, for learning from both."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay import Option, Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Parts, Route, obtain, publish
from assay.data.raw import Raw
from assay.data.unpack import members
from assay.errors import MethodError

CLASSES = ["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"]
#: Part to the names of its images and labels in the archive.
_FILES = {
    "train": ("train_X.bin", "train_y.bin"),
    "unlabelled": ("unlabeled_X.bin", None),
    "test": ("test_X.bin", "test_y.bin"),
}


@method(
    "source",
    "stl10",
    summary="13,000 photographs with labels of ten classes and 100,000 without, 96 x 96 RGB",
    paper="Coates et al. 2011, http://proceedings.mlr.press/v15/coates11a.html",
    options={"unlabelled": Option(True, "read the 100,000 images without labels too (2.8 GB in memory)")},
    shapes="images uint8 [N,96,96,3], labels int64 [N]; train 5,000, unlabelled 100,000 (label -1) and test 8,000",
    origin=Origin(
        archive="https://cs.stanford.edu/~acoates/stl10/",
        licence="none stated; images of ImageNet under its terms",
        citation="Coates, Lee and Ng (2011), An Analysis of Single-Layer Networks, AISTATS",
        counts={
            "unlabelled": {"train": 5000, "unlabelled": 100000, "test": 8000},
            "labelled": {"train": 5000, "test": 8000},
        },
    ),
)
def stl10(given: Given, *, unlabelled: bool) -> Raw:
    """The official archive of binary files: images colour plane by plane, each column by column; labels from 1.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the archive is nowhere to be had.
    """
    archive = Archive(
        "stl10/stl10_binary.tar.gz",
        ("http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",),
        md5="91f7769df0f17e558f3565bffb0c7dfb",
        size=2640397119,
    )
    wanted = [part for part in _FILES if unlabelled or part != "unlabelled"]
    parts = obtain(given.files, [Route((archive,), lambda path: _read(path, wanted))])
    return publish(stl10, parts, CLASSES, choice="unlabelled" if unlabelled else "labelled")


def _read(path: Path, wanted: list[str]) -> Parts:
    names = {name for part in wanted for name in _FILES[part] if name}
    found = {
        name.rpartition("/")[2]: data
        for name, data in members(path, lambda name: name.rpartition("/")[2] in names)
    }  # fmt: skip
    if missing := names - set(found):
        raise MethodError(f"{path.name}: there is no {', '.join(sorted(missing))} in the archive")
    parts: Parts = {}
    for part in wanted:
        images, labels = _FILES[part]
        if len(found[images]) % (3 * 96 * 96):
            raise MethodError(f"{path.name}: {images} is no whole number of images of 27,648 bytes")
        pixels = np.frombuffer(found[images], np.uint8).reshape(-1, 3, 96, 96).transpose(0, 3, 2, 1)
        values = np.frombuffer(found[labels], np.uint8).astype(np.int64) - 1 if labels else np.full(len(pixels), -1)
        parts[part] = (pixels, values)
    return parts
