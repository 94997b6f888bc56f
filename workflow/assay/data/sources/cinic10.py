"""CINIC-10: CIFAR-10's classes, its images among three times as many of ImageNet."""

from __future__ import annotations

from pathlib import Path

from assay import Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Parts, Route, obtain, publish
from assay.data.raw import Raw
from assay.data.readers.cifar import CLASSES
from assay.data.readers.pictures import in_order, read_pictures


@method(
    "source",
    "cinic10",
    summary="270,000 photographs of CIFAR-10's ten classes, from CIFAR-10 and ImageNet, 32 x 32 RGB",
    paper="Darlow et al. 2018, arXiv:1810.03505",
    shapes="images uint8 [270000,32,32,3], labels int64 [270000]; train, val and test 90,000 each",
    origin=Origin(
        archive="https://datashare.ed.ac.uk/handle/10283/3192",
        licence="CC BY 4.0; images of ImageNet under its terms",
        citation="Darlow, Crowley, Antoniou and Storkey (2018), CINIC-10 is not ImageNet or CIFAR-10, arXiv:1810.03505",
        counts={"train": 90000, "val": 90000, "test": 90000},
    ),
)
def cinic10(given: Given) -> Raw:
    """The official archive of PNG files, `train/airplane/<name>.png` and so on; within a part by class, then name.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the archive is nowhere to be had.
    """
    archive = Archive(
        "cinic10/CINIC-10.tar.gz",
        (
            "https://datashare.ed.ac.uk/bitstream/handle/10283/3192/CINIC-10.tar.gz",
            "https://datashare.is.ed.ac.uk/bitstream/handle/10283/3192/CINIC-10.tar.gz",
        ),
        md5="6ee4d0c996905fe93221de577967a372",
        size=687544992,
    )
    return publish(cinic10, obtain(given.files, [Route((archive,), _read)]), CLASSES)


def _read(path: Path) -> Parts:
    pictures, _ = read_pictures(path, rf"(.*/)?(train|valid|test)/({'|'.join(CLASSES)})/[^/]+\.png", 32)
    parts: Parts = {}
    for part, folder in (("train", "train"), ("val", "valid"), ("test", "test")):
        names = [name for name in pictures if name.split("/")[-3] == folder]
        names.sort(key=lambda name: name.split("/")[-2:])
        parts[part] = in_order(pictures, names, lambda name: CLASSES.index(name.split("/")[-2]), path.name)
    return parts
