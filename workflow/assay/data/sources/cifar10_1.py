"""CIFAR-10.1: a second test set for CIFAR-10, made like the first."""

from __future__ import annotations

from assay import Option, Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Route, obtain, publish
from assay.data.raw import Raw
from assay.data.readers.arrays import read_npy
from assay.data.readers.cifar import CLASSES

_HOME = "https://github.com/modestyachts/CIFAR-10.1/raw/master/datasets/"


@method(
    "source",
    "cifar10.1",
    summary="2,000 new test images for CIFAR-10, 32 x 32 RGB; a test split only",
    paper="Recht et al. 2018, arXiv:1806.00451",
    options={"version": Option("v6", "v6 is balanced and recommended, v4 is the first", choices=["v4", "v6"])},
    shapes="images uint8 [N,32,32,3], labels int64 [N]; test 2,000 (v6) or 2,021 (v4)",
    origin=Origin(
        archive="https://github.com/modestyachts/CIFAR-10.1",
        licence="MIT",
        citation="Recht, Roelofs, Schmidt and Shankar (2018), Do CIFAR-10 Classifiers Generalize?, arXiv:1806.00451",
        counts={"v4": {"test": 2021}, "v6": {"test": 2000}},
    ),
)
def cifar10_1(given: Given, *, version: str) -> Raw:
    """The two official arrays of a version.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the files are nowhere to be had.
    """
    names = [f"cifar10.1_{version}_{what}.npy" for what in ("data", "labels")]
    files = tuple(Archive(f"cifar10.1/{name}", (_HOME + name,)) for name in names)
    route = Route(files, lambda images, labels: {"test": (read_npy(images), read_npy(labels))})
    return publish(cifar10_1, obtain(given.files, [route]), CLASSES, choice=version)
