"""Coverage of the worst slab (Cauchois et al. 2021, arXiv:2004.10181; Romano et al. 2020, arXiv:2006.02544)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def worst_slab(
    covered: np.ndarray, features: np.ndarray, first: np.ndarray, directions: np.ndarray, least: float = 0.1
) -> float:
    """The coverage within the slab `{x: a <= v.x <= b}` of features where it is lowest.

    Of all directions v and all slabs that hold at least the share `least` of the images of a first part, the one with
    the lowest coverage there is found, and its coverage on the other images is told, so that looking for the worst does
    not itself make it look bad (Romano et al. 2020, section S1.2).

    Args:
        covered: bool [N], whether an image's set holds its label.
        features: float64 [N,D].
        first: bool [N], the images on which the slab is found.
        directions: float64 [R,D].
        least: delta.

    Raises:
        UndefinedError: no features, too few images, or none of the other images in the slab.
    """
    if features.shape[1] == 0:
        raise UndefinedError("the features of the predictions were not kept")
    size = int(np.ceil(least * first.sum()))
    if first.sum() < 2 or size < 1 or first.all():
        raise UndefinedError("there are too few images to look for a slab")
    worst = (np.inf, 0.0, 0.0, directions[0])
    for direction in directions:
        places = features[first] @ direction
        order = np.argsort(places, kind="stable")
        mean, start, end = lowest_mean(covered[first][order].astype(np.float64), size)
        if mean < worst[0]:
            worst = (mean, places[order[start]], places[order[end - 1]], direction)
    _, low, high, direction = worst
    places = features[~first] @ direction
    inside = (places >= low) & (places <= high)
    if not inside.any():
        raise UndefinedError("none of the images held back lies in the worst slab")
    return float(covered[~first][inside].mean())


def lowest_mean(values: np.ndarray, size: int) -> tuple[float, int, int]:
    """The lowest mean of any run of at least `size` of the values [N], and where it starts and ends (exclusive).

    Found exactly by Dinkelbach's method: of the runs, the one with the least `sum (x - m)` replaces m by its own mean
    until nothing falls any more.
    """
    mean, start, end = float(values.mean()), 0, len(values)
    while True:
        sums = np.concatenate([[0.0], np.cumsum(values - mean)])
        # For each end the best start lies where the sum before it is largest.
        highest = np.maximum.accumulate(sums[: len(sums) - size])
        excess = sums[size:] - highest
        stop = int(np.argmin(excess))
        begin = int(np.argmax(sums[: stop + 1]))
        better = float(values[begin : stop + size].mean())
        if better >= mean - 1e-12:
            return mean, start, end
        mean, start, end = better, begin, stop + size
