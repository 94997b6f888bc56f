"""Asymmetric label noise: a class is taken for the one that it resembles."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.alter.names import number_of
from assay.data.alter.subject import Subject
from assay.errors import MethodError


@method(
    "label-noise",
    "asymmetric",
    summary="a share of the labels of some classes becomes the class that each is mistaken for",
    paper="Patrini et al. 2017, arXiv:1609.03683",
    options={
        "rate": Option(
            ..., "share of the labels of each class under `map` made wrong", type=float, at_least=0, at_most=1
        ),
        "map": Option(..., "class -> the class that it is mistaken for", type=dict, item=str),
    },
    shapes="labels int64 [N] -> labels int64 [N]",
)
def asymmetric(train: Subject, *, rate: float, map: dict[str, str]) -> np.ndarray:
    """Replace round(rate n) labels of each class under `map`, n of them, by the class beside it.

    All are drawn from the labels as they were: with `{cat: dog, dog: cat}` none goes there and back. The usual map of
    CIFAR-10 (Patrini et al.) is `{truck: automobile, bird: airplane, deer: horse, cat: dog, dog: cat}`.

    Args:
        train: the train split.
        rate: in [0, 1].
        map: class names.

    Returns:
        int64 [N]; labels of classes that are no key of `map` stay.

    Raises:
        MethodError: a class that there is not, or that is mistaken for itself.
    """
    noisy = train.labels.copy()
    pairs = [
        (number_of(left, train.classes, "label-noise.map"), number_of(right, train.classes, "label-noise.map"))
        for left, right in sorted(map.items())
    ]
    for left, right in pairs:
        if left == right:
            raise MethodError(f"label-noise.map: {train.classes[left]} cannot be mistaken for itself")
        members = np.flatnonzero(train.labels == left)
        wrong = train.rng.permutation(len(members))[: int(rate * len(members) + 0.5)]
        noisy[members[wrong]] = right
    return noisy
