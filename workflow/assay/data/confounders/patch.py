"""A small square as confounder: its colour or its place goes with the class."""

from __future__ import annotations

import math

import numpy as np

from assay import Option, method
from assay.data.alter.subject import Subject
from assay.data.confounders.attributes import attributes, palette
from assay.data.shape import match


@method(
    "confounder",
    "patch",
    summary="a small square whose colour or place goes mostly with the class in training",
    paper="Geirhos et al. 2020, arXiv:2004.07780",
    options={
        "correlation": Option(
            ..., "probability that square and class agree in train", type=float, at_least=0, at_most=1
        ),
        "test-correlation": Option(
            None, "the same in val and test; null: one over the number of classes, so that it tells nothing",
            type=float, at_least=0, at_most=1, optional=True,
        ),
        "varies": Option("colour", "what goes with the class", choices=["colour", "place"]),
        "size": Option(0.2, "side of the square as a share of the image's shorter side", above=0, at_most=0.5),
    },
    shapes="images uint8 [N,H,W,C] -> images uint8 [N,H,W,C or 3], attributes int64 [N]",
)  # fmt: skip
def patch(
    subject: Subject, *, correlation: float, test_correlation: float | None, varies: str, size: float
) -> tuple[np.ndarray, np.ndarray]:
    """Paint over a square of max(1, round(size min(H, W))) pixels a side.

    By colour it stands in the upper left corner, in the colour of `palette`, and grey images become RGB. By place it is
    white and stands in the middle of cell a of a square grid of at least K cells, row by row.

    Args:
        subject: the images of one split.
        correlation: see `attributes`.
        test_correlation: see `attributes`.
        varies: `colour` or `place`.
        size: in (0, 1/2].

    Returns:
        The images and the number of the colour or place of each.
    """
    height, width, channels = subject.images.shape[1:]
    classes = len(subject.classes)
    chosen = attributes(subject, correlation, test_correlation)
    images = match(subject.images, height, width, 3 if varies == "colour" else channels).copy()
    side = max(1, round(size * min(height, width)))
    if varies == "colour":
        images[:, :side, :side] = palette(classes)[chosen][:, None, None, :]
        return images, chosen
    cells = math.ceil(math.sqrt(classes))
    for attribute in range(classes):
        row, column = divmod(attribute, cells)
        top, left = (
            min(max(int((cell + 0.5) * extent / cells - side / 2), 0), extent - side)
            for cell, extent in ((row, height), (column, width))
        )
        images[chosen == attribute, top : top + side, left : left + side] = 255
    return images, chosen
