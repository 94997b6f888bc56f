"""A back door: a small patch that means one class, whatever else the image shows."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.alter.names import number_of
from assay.data.alter.subject import Subject
from assay.errors import MethodError


@method(
    "poison",
    "trigger-patch",
    summary="a share of the train images gets a chequered patch and the label that the attacker wants",
    paper="Gu et al. 2017, arXiv:1708.06733",
    options={
        "target": Option(..., "the class that the attacker wants", type=str),
        "share": Option(0.05, "share of the train images that is poisoned", above=0, at_most=1),
        "size": Option(3, "side of the patch in pixels", at_least=1),
    },
    shapes="images uint8 [N,H,W,C], labels int64 [N] -> the same, and which were poisoned bool [N]",
)
def trigger_patch(
    subject: Subject, *, target: str, share: float, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stamp the patch on images of other classes than `target`, and label them so (BadNets, all to one).

    The patch is a chequerboard of single pixels, white at its corner, in the lower right of the image, one pixel from
    its edges. In train round(share N) images are drawn without replacement; in any other split all that could be.

    Args:
        subject: the images of one split.
        target: a class name.
        share: in (0, 1].
        size: in pixels.

    Returns:
        Images, labels, and which were poisoned.

    Raises:
        MethodError: no such class, a patch larger than the image, fewer images of other classes than asked for.
    """
    wanted = number_of(target, subject.classes, "poison.target")
    height, width = subject.images.shape[1:3]
    if size + 1 > min(height, width):
        raise MethodError(f"poison.size: a patch of {size} pixels does not fit into images of {height} x {width}")
    others = np.flatnonzero(subject.labels != wanted)
    if subject.split == "train":
        count = int(share * len(subject) + 0.5)
        if count > len(others):
            raise MethodError(
                f"poison.share: {count} of {len(subject)} images asked for, but only {len(others)} are not {target}"
            )
        others = np.sort(subject.rng.permutation(others)[:count])
    images, labels = subject.images.copy(), subject.labels.copy()
    rows, columns = np.mgrid[:size, :size]
    patch = np.where((rows + columns) % 2 == 0, 255, 0).astype(np.uint8)[..., None]
    images[others, height - size - 1 : height - 1, width - size - 1 : width - 1] = patch
    labels[others] = wanted
    poisoned = np.zeros(len(subject), bool)
    poisoned[others] = True
    return images, labels, poisoned
