"""Near-duplicates taken out of the train split: those within it, and those of images that evaluations see."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data import twins
from assay.data.curation import View
from assay.errors import MethodError


@method(
    "curate",
    "near-duplicates",
    summary="drop train images that show the same picture as a val, test or hold-out image, or as one kept before",
    paper="Barz and Denzler 2020, arXiv:1902.00423",
    options={
        "distance": Option(
            0.35, "largest root mean square difference of standardised pictures, in deviations", at_least=0, at_most=1
        ),
        "across": Option(True, "drop train images with a twin in another split"),
        "within": Option(True, "of twins in the train split keep the first"),
    },
    reads=[],
    shapes="N images -> indices int64 [M]",
)
def near_duplicates(view: View, *, distance: float, across: bool, within: bool) -> np.ndarray:
    """What `assay.data.twins` finds within `distance`, exact duplicates among it, is dropped.

    Across splits every train image with a twin goes, so that what is measured on the other splits is not remembered.
    Within the train split images are kept in their order unless a twin was kept before: a chain of lookalikes loses
    the links between those that remain, not all but its first. Unlabelled images count as train images do, and stay.

    Raises:
        MethodError: more images than can be compared with each other.
    """
    others = [images for name, images in sorted(view.others.items()) if name != "unlabelled"] if across else []
    count = len(view) + sum(len(images) for images in others)
    if count > twins.LIMIT:
        raise MethodError(f"near-duplicates: compares at most {twins.LIMIT:,} images with each other, not {count:,}")
    found = twins.find([view.images, *others], distance)
    partners = found.partners()
    seen = set(found.group[len(view) :].tolist())
    kept: set[int] = set()
    rows, leaks, repeats = [], 0, 0
    for row, group in enumerate(found.group[: len(view)].tolist()):
        near = {group, *partners[group]}
        if near & seen:
            leaks += 1
        elif within and near & kept:
            repeats += 1
        else:
            kept.add(group)
            rows.append(row)
    view.facts.update({"twins-of-other-splits": leaks, "twins-in-train": repeats})
    return np.array(rows, np.int64)
