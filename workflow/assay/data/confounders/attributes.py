"""Which attribute an image gets, and the colours that attributes have."""

from __future__ import annotations

import colorsys

import numpy as np

from assay.data.alter.subject import Subject

#: The splits whose images are drawn as those of training are.
LEARNT = ("train", "unlabelled")


def attributes(subject: Subject, correlation: float, test_correlation: float | None) -> np.ndarray:
    """An attribute for each image: its class with the probability of its split, else one of the others.

    An image of class y gets attribute y with probability c, and each other one with (1 - c) / (K - 1). With c = 1/K
    attribute and class are independent. An image of no class gets any attribute.

    Args:
        subject: the images of one split.
        correlation: c of train.
        test_correlation: c of every other split; 1/K when None.

    Returns:
        int64 [N] in 0..K-1.
    """
    count, classes = len(subject), len(subject.classes)
    agreement = correlation if subject.split in LEARNT else test_correlation
    agrees = subject.rng.random(count) < (1 / classes if agreement is None else agreement)
    other = (subject.labels + subject.rng.integers(1, max(classes, 2), count)) % classes
    anything = subject.rng.integers(0, classes, count)
    return np.where(subject.labels < 0, anything, np.where(agrees, subject.labels, other)).astype(np.int64)


def palette(count: int) -> np.ndarray:
    """`count` saturated colours whose hues are evenly spread, red first: uint8 [count,3]."""
    colours = [colorsys.hsv_to_rgb(k / count, 1, 1) for k in range(count)]
    return np.round(255 * np.array(colours)).astype(np.uint8).reshape(count, 3)
