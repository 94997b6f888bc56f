"""Tiny-ImageNet: 200 classes of ImageNet in small."""

from __future__ import annotations

import re
from pathlib import Path

from assay import Option, Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Parts, Route, obtain, publish
from assay.data.raw import Raw
from assay.data.readers.pictures import in_order, read_pictures
from assay.errors import MethodError

_TRAIN = r"train/(?P<train>n\d+)/images/n\d+_\d+\.JPEG"
_TEXTS = ("wnids.txt", "words.txt", "val/val_annotations.txt")


@method(
    "source",
    "tiny-imagenet",
    summary="110,000 photographs of 200 classes of ImageNet, 64 x 64 RGB or smaller",
    paper="Le and Yang 2015, http://cs231n.stanford.edu/reports/2015/pdfs/yle_project.pdf",
    options={"resolution": Option(64, "pixels on a side; the originals have 64", at_least=8, at_most=64)},
    shapes="images uint8 [110000,R,R,3], labels int64 [110000]; train 100,000 and test 10,000",
    origin=Origin(
        archive="http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        licence="non-commercial research and education only (ImageNet's terms)",
        citation="Le and Yang (2015), Tiny ImageNet Visual Recognition Challenge, Stanford CS 231N",
        counts={"train": 100000, "test": 10000},
    ),
)
def tiny_imagenet(given: Given, *, resolution: int) -> Raw:
    """The official zip of JPEG files. Classes are in the order of `wnids.txt`, named by their first synonym.

    The labels of the official test images were never published. As is the field's custom the labelled validation
    images are the part `test` here, so a study that tunes has to cut a `val` off train. Train is ordered by class,
    then number; test as in `val_annotations.txt`.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the archive is nowhere to be had.
    """
    archive = Archive(
        "tiny-imagenet/tiny-imagenet-200.zip",
        (
            "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
            "https://zenodo.org/records/10720917/files/tiny-imagenet-200.zip",
        ),
        md5="90528d7ca1a48142e341f4ef8d21d0de",
        size=248100043,
    )
    parts, classes = obtain(given.files, [Route((archive,), lambda path: _read(path, resolution))])
    return publish(tiny_imagenet, parts, classes, resized=resolution != 64)


def _read(path: Path, resolution: int) -> tuple[Parts, list[str]]:
    root = "tiny-imagenet-200/"
    pictures, texts = read_pictures(
        path, rf"{root}({_TRAIN}|val/images/val_\d+\.JPEG)", resolution, root + f"({'|'.join(_TEXTS)})"
    )
    for name in _TEXTS:
        if root + name not in texts:
            raise MethodError(f"{path.name}: there is no {name} in the archive")
    wnids = texts[root + "wnids.txt"].split()
    words = dict(line.split("\t", 1) for line in texts[root + "words.txt"].splitlines() if "\t" in line)
    rank = {wnid: number for number, wnid in enumerate(wnids)}
    train = [name for name in pictures if name.startswith(root + "train/")]
    if unknown := {name.split("/")[2] for name in train} - set(wnids):
        raise MethodError(f"{path.name}: wnids.txt does not list the classes {', '.join(sorted(unknown))}")
    train.sort(key=lambda name: (rank[name.split("/")[2]], int(re.findall(r"\d+", name)[-1])))
    rows = [line.split("\t")[:2] for line in texts[root + "val/val_annotations.txt"].splitlines() if line]
    labels = {f"{root}val/images/{name}": rank.get(wnid, -1) for name, wnid in rows}
    return {
        "train": in_order(pictures, train, lambda name: rank[name.split("/")[2]], path.name),
        "test": in_order(pictures, list(labels), labels.__getitem__, path.name),
    }, [words.get(wnid, wnid).split(",")[0].strip() for wnid in wnids]
