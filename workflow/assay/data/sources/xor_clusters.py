"""XOR clusters: four Gaussian clusters that no linear classifier tells apart, with a known best error."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.given import Given
from assay.data.patterns import DEVIATIONS, orthogonal_patterns, to_grey
from assay.data.raw import Raw, numbered

CLUSTERS = ("+mu1", "-mu1", "+mu2", "-mu2")


@method(
    "source",
    "xor-clusters",
    summary="four Gaussian clusters at +-mu1 and +-mu2, the class told by the axis: not linearly separable",
    paper="Xu et al. 2023, arXiv:2310.02541",
    options={
        "count": Option(2000, "images", at_least=1),
        "side": Option(16, "pixels along an edge; the dimension is its square", choices=[8, 16, 28, 32, 64]),
        "norm": Option(4.0, "length of mu1 and mu2, in standard deviations of the noise", above=0),
    },
    shapes="images uint8 [count,side,side,1], labels int64 [count] of 2 classes",
)
def xor_clusters(given: Given, *, count: int, side: int, norm: float) -> Raw:
    """x ~ N(c, I_p) with p = side^2 and c one of +mu1, -mu1 (class `plus`), +mu2, -mu2 (`minus`), equally likely.

    mu1 and mu2 are orthogonal and of equal length `norm`. Here they are two patterns of +-norm/side at random pixels,
    drawn once a stream: sets of other sizes have the same ones, and more images begin with those of a smaller set.
    The labels are clean; flipped ones, as the paper trains with, are the dataset's `label-noise`. `groups` holds the
    cluster.

    As an image: a coordinate x becomes the grey level 127.5 (1 + x / limit), rounded, with limit = norm/side + 5.
    A coordinate is clipped when it lies 5 standard deviations from its mean on the outer side (or further on the
    other), hence with probability below 2.9e-7 + 2.9e-7.

    The best classifier compares |x.mu1| with |x.mu2|; it errs with probability 2 q (1 - q), q = Phi(-norm / sqrt(2)).
    """
    rng = given.streams.numpy("generator", "xor-clusters", "images")
    cluster = given.streams.numpy("generator", "xor-clusters", "cluster").integers(0, 4, count)
    axes = means(given, side, norm)
    centres = np.stack([axes[0], -axes[0], axes[1], -axes[1]]).astype(np.float32)
    points = rng.standard_normal((count, side * side), dtype=np.float32)
    points += centres[cluster]
    return Raw(
        to_grey(points, limit(side, norm)).reshape(count, side, side, 1),
        cluster // 2,
        ["plus", "minus"],
        ids=numbered(count, "xor-"),
        groups=np.array(CLUSTERS)[cluster],
        licence="none (computed)",
        citation="Xu et al. (2023), arXiv:2310.02541",
    )


def means(given: Given, side: int, norm: float) -> np.ndarray:
    """mu1 and mu2, float64 [2, side * side]."""
    patterns = orthogonal_patterns(given.streams.numpy("generator", "xor-clusters", "means", side), side)
    return norm / side * patterns


def limit(side: int, norm: float) -> float:
    """The coordinate that becomes white; its negative becomes black."""
    return norm / side + DEVIATIONS
