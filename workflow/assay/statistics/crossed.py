"""The bootstrap over seeds and test images at once, for means over images such as accuracy.

Every seed is judged on the same images, so the two are crossed and not nested: seeds and images are resampled each by
themselves (the pigeonhole bootstrap; Owen 2007, Annals of Applied Statistics 1). It errs to the careful side: what
belongs to one seed and one image alone counts up to three times.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

#: Resamples, and how many are drawn at once.
RESAMPLES, CHUNK = 2000, 250


def means(values: np.ndarray, resamples: int = RESAMPLES) -> np.ndarray:
    """Means of so many resamples.

    Args:
        values: [S,N], a value for each of S seeds on each of N images: whether it is right, or, for a difference of two
            arms, by how much more the one is.

    Returns:
        float64 [resamples], always the same for the same S and N.
    """
    seeds, images = values.shape
    rng = np.random.default_rng(0)
    table = values.astype(np.float64)
    found = []
    for start in range(0, resamples, CHUNK):
        count = min(CHUNK, resamples - start)
        of_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=count)
        of_images = rng.multinomial(images, np.full(images, 1 / images), size=count)
        found.append(((of_seeds @ table) * of_images).sum(axis=1) / (seeds * images))
    return np.concatenate(found)


def crossed(values: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """Ends of an interval of the mean over seeds and images; None for fewer than two of either, or without spread.

    It tells how far the mean would lie with other seeds *and* another test set of that size. Quantiles of resamples of
    S seeds cannot leave the range of the seeds, so of few they promise too much: the bootstrap gives the standard
    error, widened by sqrt(S / (S - 1)) for S seeds, and Student's t with S - 1 degrees of freedom the rest. Where
    images make no difference this is the t interval over seeds, and else it is wider.
    """
    seeds = len(values)
    if min(values.shape) < 2 or not (error := float(means(values).std())) > 0:
        return None
    half = float(stdtrit(seeds - 1, (1 + level) / 2)) * error * (seeds / (seeds - 1)) ** 0.5
    middle = float(values.mean())
    return middle - half, middle + half
