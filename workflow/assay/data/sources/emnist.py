"""EMNIST: MNIST with letters, in six ways to cut it."""

from __future__ import annotations

import string
from pathlib import Path

from assay import Option, Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Parts, Route, obtain, publish
from assay.data.raw import Raw
from assay.data.readers import idx
from assay.data.unpack import members

_EVERY = string.digits + string.ascii_uppercase + string.ascii_lowercase
#: Lower case is told from upper case only where the two look different.
_MERGED = [character for character in _EVERY if character not in "cijklmopsuvwxyz"]
CLASSES = {
    "byclass": list(_EVERY),
    "bymerge": _MERGED,
    "balanced": _MERGED,
    "letters": list(string.ascii_lowercase),
    "digits": list(string.digits),
    "mnist": list(string.digits),
}


@method(
    "source",
    "emnist",
    summary="handwritten letters and digits, 28 x 28 grey; six sets of 10 to 62 classes",
    paper="Cohen et al. 2017, arXiv:1702.05373",
    options={
        "split": Option(
            "balanced",
            "which of the six sets",
            choices=["byclass", "bymerge", "balanced", "letters", "digits", "mnist"],
        ),
    },
    shapes="images uint8 [N,28,28,1], labels int64 [N]; balanced: train 112,800 and test 18,800 of 47 classes",
    origin=Origin(
        archive="https://www.nist.gov/itl/products-and-services/emnist-dataset",
        licence="none stated (from NIST Special Database 19)",
        citation="Cohen, Afshar, Tapson and van Schaik (2017), EMNIST, arXiv:1702.05373",
        counts={
            "byclass": {"train": 697932, "test": 116323},
            "bymerge": {"train": 697932, "test": 116323},
            "balanced": {"train": 112800, "test": 18800},
            "letters": {"train": 124800, "test": 20800},
            "digits": {"train": 240000, "test": 40000},
            "mnist": {"train": 60000, "test": 10000},
        },
    ),
)
def emnist(given: Given, *, split: str) -> Raw:
    """One set out of the official zip, its images set upright.

    The files hold images column by column and, for `letters`, labels from 1; here they run from 0.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the archive is nowhere to be had.
    """
    archive = Archive(
        "emnist/gzip.zip",
        ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",),
        md5="58c8d27c78d21e728a6bc7b3cc06412e",
    )
    parts = obtain(given.files, [Route((archive,), lambda path: _read(path, split))])
    first = 1 if split == "letters" else 0
    upright = {part: (images.swapaxes(1, 2), labels.astype(int) - first) for part, (images, labels) in parts.items()}
    return publish(emnist, upright, CLASSES[split], choice=split)


def _read(path: Path, split: str) -> Parts:
    prefix = {"train": f"emnist-{split}-train", "t10k": f"emnist-{split}-test"}
    names = {f"{prefix[name.partition('-')[0]]}-{name.partition('-')[2]}.gz": name for name in idx.NAMES}
    found = members(path, lambda name: name.rpartition("/")[2] in names)
    return idx.parts({names[name.rpartition("/")[2]]: data for name, data in found})
