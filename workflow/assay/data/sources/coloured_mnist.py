"""Coloured MNIST: a colour that predicts the label better than the digit does, until it turns round."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.given import Given
from assay.data.raw import Raw
from assay.errors import MethodError


@method(
    "source",
    "coloured-mnist",
    summary="low or high digit with a quarter of the labels wrong, in a colour tied to the label by environment",
    paper="Arjovsky et al. 2019, arXiv:1907.02893",
    options={
        "noise": Option(0.25, "share of labels flipped, whatever the environment", at_least=0, at_most=1),
        "train": Option(
            [0.2, 0.1], "how often the colour is flipped in each train environment",
            type=list, item=float, at_least=0, at_most=1,
        ),
        "test": Option(0.9, "how often the colour is flipped in the test environment", at_least=0, at_most=1),
        "side": Option(14, "pixels along an edge; 14 takes every other pixel", choices=[14, 28]),
    },
    shapes="images uint8 [70000,side,side,3], labels int64 [70000] of 2 classes",
)  # fmt: skip
def coloured_mnist(given: Given, *, noise: float, train: list[float], test: float, side: int) -> Raw:
    """Section 5.2 of the paper, on MNIST's official splits.

    The preliminary label is 0 for digits 0-4, 1 for 5-9. The label is that, flipped with probability `noise`; the
    colour is the label, flipped with the environment's probability e: 1 is red, 0 green, the other channels are black.
    The train environments take turns, image by image. `groups` names the environment (`e=0.2`), `original` holds
    the preliminary label.

    The authors test on the last 10,000 images of MNIST's train split; here the test environment is MNIST's own test
    split.

    Raises:
        MethodError: no train environment.
    """
    from assay.data.sources.mnist import mnist

    if not train:
        raise MethodError("coloured-mnist: `train` needs at least one environment, such as [0.2, 0.1]")
    base = mnist(given)
    assert base.parts is not None
    learnt = base.parts == "train"
    count = len(base.labels)

    def flipped(what: str, rate: np.ndarray | float) -> np.ndarray:
        return given.streams.numpy("generator", "coloured-mnist", what).random(count) < rate

    right = (base.labels >= 5).astype(np.int64)
    labels = right ^ flipped("label", noise)
    rates = np.full(count, test)
    rates[learnt] = np.asarray(train)[np.arange(int(learnt.sum())) % len(train)]
    red = (labels ^ flipped("colour", rates)).astype(bool)
    step = 28 // side
    grey = base.images[:, ::step, ::step, 0]
    images = np.zeros((*grey.shape, 3), np.uint8)
    images[red, :, :, 0] = grey[red]
    images[~red, :, :, 1] = grey[~red]
    return Raw(
        images,
        labels,
        ["0-4", "5-9"],
        ids=base.ids,
        parts=base.parts,
        groups=np.array([f"e={rate:g}" for rate in rates.tolist()]),
        original=right,
        licence=base.licence,
        citation=f"Arjovsky et al. (2019), arXiv:1907.02893; {base.citation}",
    )
