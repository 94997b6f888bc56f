"""Two latent features, one hard to see and one easy: what a network uses when both predict the class."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from assay import Option, method
from assay.data.given import Given
from assay.data.patterns import DEVIATIONS, orthogonal_patterns, to_grey
from assay.data.raw import Raw, numbered


@method(
    "source",
    "shortcut-latents",
    summary="a core and a shortcut feature, each with a dial for how well it predicts and how visible it is",
    paper="Hermann et al. 2023, arXiv:2310.16228",
    options={
        "count": Option(2000, "images", at_least=1),
        "side": Option(16, "pixels along an edge", choices=[8, 16, 28, 32, 64]),
        "core-predictivity": Option(0.9, "how often the core feature alone is right", at_least=0.5, below=1),
        "shortcut-predictivity": Option(0.8, "how often the shortcut alone is right", above=0, below=1),
        "core-availability": Option(0.2, "amplitude of the core feature", above=0),
        "shortcut-availability": Option(1.0, "amplitude of the shortcut", above=0),
    },
    shapes="images uint8 [count,side,side,1], labels int64 [count] of 2 classes",
)
def shortcut_latents(
    given: Given,
    *,
    count: int,
    side: int,
    core_predictivity: float,
    shortcut_predictivity: float,
    core_availability: float,
    shortcut_availability: float,
) -> Raw:
    """x = a_c z_c w_c + a_s z_s w_s with latents z_i = y m_i + N(0, 1), independent given the class y = +-1.

    Predictivity r_i sets m_i = Phi^-1(r_i): the sign of z_i is the class with probability r_i, which is also the best
    that can be had from z_i alone. Availability a_i is the paper's amplification; the paper's other dial, nesting (a
    feature behind random layers), is left out, and the latents need not be drawn exactly as there. The w_i are
    two orthogonal patterns of +-1 at random pixels.

    `groups` tells whether the shortcut points to the class: `agree` or `conflict`. A predictivity of 0.5 makes the
    shortcut worthless and one below 0.5 misleading, as a test on another dataset may want it. Patterns, classes and the
    random part of the latents depend on the stream alone, so sets with other dials show the same images otherwise,
    and more images begin with those of a smaller set.

    As an image: x becomes the grey level 127.5 (1 + x / limit) with limit = sum_i a_i (|m_i| + 5), so that a pixel is
    clipped only when a latent lies more than 5 standard deviations from its mean: in less than 1.2e-6 of the images.
    Levels are rounded up or down at random, without which a faint feature would vanish in pixels that are all alike.
    """
    y = 2 * given.streams.numpy("generator", "shortcut-latents", "class").integers(0, 2, count) - 1
    spread = given.streams.numpy("generator", "shortcut-latents", "latents").standard_normal((count, 2))
    shift = np.array([ndtri(core_predictivity), ndtri(shortcut_predictivity)])
    latents = y[:, None] * shift + spread
    seen = latents * np.array([core_availability, shortcut_availability])
    patterns = directions(given, side)
    values = seen[:, :1] * patterns[0] + seen[:, 1:] * patterns[1]
    white = limit(shift, np.array([core_availability, shortcut_availability]))
    dither = given.streams.numpy("generator", "shortcut-latents", "dither").random(values.shape, dtype=np.float32)
    images = to_grey(values, white, dither)
    return Raw(
        images.reshape(count, side, side, 1),
        (y > 0).astype(np.int64),
        ["minus", "plus"],
        ids=numbered(count, "latents-"),
        groups=np.where(latents[:, 1] * y > 0, "agree", "conflict"),
        licence="none (computed)",
        citation="Hermann et al. (2023), arXiv:2310.16228",
    )


def directions(given: Given, side: int) -> np.ndarray:
    """The patterns of the core feature and of the shortcut, float64 [2, side * side]."""
    return orthogonal_patterns(given.streams.numpy("generator", "shortcut-latents", "patterns", side), side)


def limit(shift: np.ndarray, availability: np.ndarray) -> float:
    """The value that becomes white, from the latents' means [2] and amplitudes [2]."""
    return float((availability * (np.abs(shift) + DEVIATIONS)).sum())
