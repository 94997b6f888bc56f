"""Symmetric label noise: a wrong label, every other class equally likely."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.alter.subject import Subject


@method(
    "label-noise",
    "symmetric",
    summary="a fixed share of labels becomes another class, each equally likely",
    paper="Patrini et al. 2017, arXiv:1609.03683",
    options={"rate": Option(..., "share of train labels made wrong", type=float, at_least=0, at_most=1)},
    shapes="labels int64 [N] -> labels int64 [N]",
)
def symmetric(train: Subject, *, rate: float) -> np.ndarray:
    """Replace round(rate N) labels, drawn without replacement, by one of the other classes.

    The share is exact, not expected, so that seeds differ in which labels are wrong but not in how many.

    Args:
        train: the train split; with one class no label can be wrong.
        rate: in [0, 1].

    Returns:
        int64 [N]; exactly round(rate N) entries differ from the labels of `train`.
    """
    labels, classes = train.labels, len(train.classes)
    noisy = labels.copy()
    if classes < 2:
        return noisy
    wrong = train.rng.permutation(len(labels))[: int(rate * len(labels) + 0.5)]
    noisy[wrong] = (labels[wrong] + train.rng.integers(1, classes, len(wrong))) % classes
    return noisy
