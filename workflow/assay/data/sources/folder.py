"""A folder of pictures, one folder a class, as torchvision's ImageFolder reads it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from assay import Option, method
from assay.data.decisions import Decisions, note
from assay.data.given import Given
from assay.data.own.labels import EMPTY, PARTS, empty_classes
from assay.data.own.pictures import contents_of, some, take
from assay.data.own.walk import Tree, tree
from assay.data.raw import Raw
from assay.errors import MethodError

HIDDEN = "left out, since the name is one of hidden files"
REPEATED = "left out, since the link leads to a folder that is read already"
OUTSIDE = "left out, since it lies in no class's folder"


@method(
    "source",
    "folder",
    summary="pictures in one folder a class, perhaps below folders train, val and test; any format that Pillow reads",
    paper="Marcel and Rodriguez 2010, doi:10.1145/1873951.1874254 (torchvision's ImageFolder)",
    options={
        "path": Option(..., "the folder, from the folder in which the study runs", type=str),
        "layout": Option(
            "auto",
            "whether the folders in it are classes or splits that hold classes; auto: splits if all are called like "
            "splits",
            choices=["auto", "classes", "splits"],
        ),
        "resolution": Option(
            None, "height and width that all images are resized to", type=int, at_least=1, optional=True
        ),
        "channels": Option(None, "channels that all images get", type=int, choices=[1, 3], optional=True),
        "corrupt": Option("refuse", "what a file that cannot be read does", choices=["refuse", "skip"]),
        "empty": Option("refuse", "what a class without images does", choices=["refuse", "keep"]),
        "licence": Option("unknown", "licence of the images"),
        "citation": Option("", "how to cite them"),
    },
    shapes="images uint8 [N,H,W,C], C 1 or 3; labels int64 [N] in the alphabet's order of the classes",
)
def folder(
    given: Given,  # noqa: ARG001 - the contract of a source
    *,
    path: str,
    layout: str,
    resolution: int | None,
    channels: int | None,
    corrupt: str,
    empty: str,
    licence: str,
    citation: str,
) -> Raw:
    """Read `path/CLASS/...` or `path/SPLIT/CLASS/...`; files at any depth below a class's folder are of that class.

    An image's id is its path below `path`. Hidden files, links that lead round in a circle and files outside every
    class are left out, counted and listed; so is all that `assay.data.decode` decides about odd pictures.

    Raises:
        MethodError: no such folder, no classes, a class without images, files that are no whole pictures, sizes or
            channels that differ while `resolution` or `channels` is not set, folders of splits beside others.
    """
    if not Path(path).is_dir():
        raise MethodError(f"folder: there is no folder {path}")
    found = tree(path)
    decisions: Decisions = {}
    for sentence, names in ((HIDDEN, found.hidden), (REPEATED, found.repeated)):
        for name in names:
            note(decisions, sentence, name)
    splits = _are_splits(path, found, layout)
    depth = 2 if splits else 1
    classes = sorted({name.split("/")[depth - 1] for name in found.folders if name.count("/") >= depth - 1})
    if not classes:
        raise MethodError(f"folder: {path} has no folders of classes")
    names = []
    for file in found.files:
        if file.name.count("/") >= depth:
            names.append(file.name)
        else:
            note(decisions, OUTSIDE, file.name)
    _check_names([*names, *classes])
    labels = np.array([classes.index(name.split("/")[depth - 1]) for name in names], np.int64)
    parts = np.array([PARTS[name.split("/")[0].lower()] for name in names], dtype="<U5") if splits else None
    # Before minutes of decoding, and once more when files may have been skipped.
    _check_filled(path, found, depth, labels, classes, parts, empty, decisions)
    taken = take(
        names,
        contents_of(os.path.join(path, name) for name in names),
        source="folder",
        resolution=resolution,
        channels=channels,
        corrupt=corrupt,
    )
    labels, parts = labels[taken.kept], None if parts is None else parts[taken.kept]
    if len(taken.kept) < len(names):
        _check_filled(path, found, depth, labels, classes, parts, empty, decisions)
    return Raw(
        taken.images,
        labels,
        classes,
        ids=np.array(names, dtype=str)[taken.kept],
        parts=parts,
        licence=licence,
        citation=citation,
        decisions={**decisions, **taken.decisions},
    )


def _are_splits(path: str, found: Tree, layout: str) -> bool:
    """Whether the folders at the top are splits.

    Raises:
        MethodError: some are called like splits and some are not, so that nobody can tell.
    """
    top = [name for name in found.folders if "/" not in name]
    called = [name for name in top if name.lower() in PARTS]
    if layout == "splits" and len(called) < len(top):
        others = [name for name in top if name not in called]
        raise MethodError(f"folder: {path}: expected folders train, val and test alone, found {some(others)}")
    if layout == "auto" and 1 < len(called) < len(top):
        raise MethodError(
            f"folder: {path} has folders called like splits ({', '.join(called)}) beside others; "
            "say `layout: classes` if they are classes"
        )
    twice = [name for name in called if sum(PARTS[name.lower()] == PARTS[other.lower()] for other in called) > 1]
    splits = layout == "splits" or (layout == "auto" and bool(top) and len(called) == len(top))
    if splits and twice:
        raise MethodError(f"folder: {path}: {', '.join(twice)} are the same split")
    return splits


def _check_names(names: list[str]) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise MethodError(f"folder: the name {name!r} is not in UTF-8; rename it") from None


def _check_filled(
    path: str,
    found: Tree,
    depth: int,
    labels: np.ndarray,
    classes: list[str],
    parts: np.ndarray | None,
    empty: str,
    decisions: Decisions,
) -> None:
    """Refuse or note classes without images: their folders first, then those that training would never see."""
    held = {"/".join(file.name.split("/")[:depth]) for file in found.files if file.name.count("/") >= depth}
    lacking = [name for name in found.folders if name.count("/") == depth - 1 and name not in held]
    lacking += [name for name in empty_classes(labels, classes) if name not in lacking]
    if parts is not None and (parts == "train").any():
        lacking += [f"train/{name}" for name in empty_classes(labels[parts == "train"], classes)]
    lacking = list(dict.fromkeys(lacking))
    if lacking and empty == "refuse":
        raise MethodError(
            f"folder: {path}: there are no images of {some(lacking)}; put some there, remove the folder, or set "
            "`empty: keep`"
        )
    decisions.pop(EMPTY, None)
    for name in lacking:
        note(decisions, EMPTY, name)
