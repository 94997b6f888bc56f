"""Predictions on a test set of other classes, in the terms of the trial's own."""

from __future__ import annotations

import numpy as np

from assay.errors import MethodError
from assay.evaluate.trial import Predictions


def mapped(outside: Predictions, theirs: list[str], ours: list[str], names: dict[str, str]) -> Predictions:
    """The images whose class has a counterpart, labelled with it.

    Args:
        outside: predictions on N images, labelled with the M classes of their own dataset.
        theirs: the names of these classes.
        ours: the names of the trial's K classes.
        names: a class of theirs -> one of ours. Empty: every class that is called the same.

    Returns:
        Predictions on the images of mapped classes, labels int64 in 0..K-1.

    Raises:
        MethodError: a name that one of the two does not have, or no class in common.
    """
    names = names or {name: name for name in theirs if name in ours}
    for said, known, whose in ((names, theirs, "the external set"), (names.values(), ours, "the arm's dataset")):
        for name in said:
            if name not in known:
                raise MethodError(f"{whose} has no class {name!r}; it has {', '.join(known)}")
    if not names:
        raise MethodError(
            f"no class of the external set ({', '.join(theirs)}) is called as one of the arm's dataset "
            f"({', '.join(ours)}); say under `test-sets` which is which"
        )
    number = np.array([ours.index(names[name]) if name in names else -1 for name in theirs])
    labels = np.where(outside.labels >= 0, number[outside.labels], -1)
    kept = labels >= 0
    return Predictions(outside.logits[kept], outside.features[kept], outside.ids[kept], labels[kept])
