"""The validation images of Tiny-ImageNet at 32 pixels, as a mirror keeps them: a near set for CIFAR-10."""

from __future__ import annotations

from pathlib import Path

from assay import Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Parts, Route, obtain, publish
from assay.data.raw import Raw
from assay.data.readers.excerpt import read_excerpt


@method(
    "source",
    "tiny-imagenet-val",
    summary="the 10,000 validation images of Tiny-ImageNet at 32 pixels, RGB, 200 classes; from a mirror alone",
    paper="Le & Yang 2015, Stanford CS 231N",
    shapes="images uint8 [10000,32,32,3], labels int64 [10000]; test alone",
    origin=Origin(
        archive="http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        licence="non-commercial research and education only (ImageNet's terms)",
        citation="Le and Yang (2015), Tiny ImageNet Visual Recognition Challenge, Stanford CS 231N",
        counts={"test": 10000},
    ),
)
def tiny_imagenet_val(given: Given) -> Raw:
    """Read `tiny-imagenet-32-val.npz` of a mirror, with arrays `images`, `labels` and `class_names`.

    For the official zip see the source `tiny-imagenet`.

    Raises:
        MethodError: a file that is damaged, or other counts.
        UnavailableError: no mirror holds the file.
    """
    archive = Archive(
        "tiny-imagenet/tiny-imagenet-32-val.npz",
        sha256="9436eac2281b53f8b08132a8b7310b98297784c68afa528f14263a8f0de42522",
    )
    parts, classes = obtain(given.files, [Route((archive,), _read)])
    return publish(tiny_imagenet_val, parts, classes)


def _read(path: Path) -> tuple[Parts, list[str]]:
    return read_excerpt(path, (32, 32, 3))
