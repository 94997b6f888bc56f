"""Colour as confounder: each class is mostly painted in a colour of its own."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.alter.subject import Subject
from assay.data.confounders.attributes import attributes, palette
from assay.data.shape import match


@method(
    "confounder",
    "colour",
    summary="images are tinted, in training mostly with the colour of their class (as in coloured MNIST)",
    paper="Arjovsky et al. 2019, arXiv:1907.02893",
    options={
        "correlation": Option(
            ..., "probability that colour and class agree in train", type=float, at_least=0, at_most=1
        ),
        "test-correlation": Option(
            None, "the same in val and test; null: one over the number of classes, so that it tells nothing",
            type=float, at_least=0, at_most=1, optional=True,
        ),
        "strength": Option(1.0, "how much of an image's own colour the tint replaces", above=0, at_most=1),
    },
    shapes="images uint8 [N,H,W,C] -> images uint8 [N,H,W,3], attributes int64 [N]",
)  # fmt: skip
def colour(
    subject: Subject, *, correlation: float, test_correlation: float | None, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Replace a pixel v by (1 - s) v + s grey(v) tint, with tint in 0..1: bright strokes take on the colour.

    Args:
        subject: the images of one split.
        correlation: see `attributes`.
        test_correlation: see `attributes`.
        strength: s, in (0, 1].

    Returns:
        The tinted images and the number of the colour of each; colours are those of `palette`.
    """
    height, width = subject.images.shape[1:3]
    chosen = attributes(subject, correlation, test_correlation)
    tints = palette(len(subject.classes)).astype(np.float32) / 255
    images = match(subject.images, height, width, 3).astype(np.float32)
    grey = match(subject.images, height, width, 1).astype(np.float32)
    made = (1 - strength) * images + strength * grey * tints[chosen][:, None, None, :]
    return np.round(made).astype(np.uint8), chosen
