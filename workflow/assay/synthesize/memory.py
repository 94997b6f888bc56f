"""Whether synthetic images lie nearer to the images that the generator has seen than to those it has not."""

from __future__ import annotations

import math

import numpy as np
from sklearn.neighbors import NearestNeighbors

from assay.data.dataset import Split


def memorised(synthetic: Split, train: Split, held: Split) -> dict[str, float | None]:
    """The test of train against held-out images, class by class.

    A generator that has learnt the distribution and no image by heart knows nothing of which images were held out: the
    nearest real image of its class is then a train image with the chance n / (n + m), n and m being the numbers of
    train and held-out images of the class. (After Meehan et al. 2020, arXiv:2004.05675, who compare distances too.)

    Args:
        synthetic: images with the classes they were made for.
        train: what the generator learnt from.
        held: images of the same distribution that it has not seen.

    Returns:
        `share`: of synthetic images whose nearest real image, by pixels, is a train image. `expected`: that of the
        chances above. `excess`: (share - expected) / (1 - expected): about 0 without memory, 1 if all are nearest to
        train images. `p`: chance of such a share or a higher one without memory, by the normal approximation. Classes
        that lack images in one of the three are left out; all are None where nothing remains.
    """
    hits, chances = [], []
    for label in np.unique(synthetic.labels):
        parts = [_flat(split, int(label)) for split in (synthetic, train, held)]
        if min(map(len, parts)) == 0:
            continue
        made, seen, unseen = parts
        near = [_nearest(made, rows) for rows in (seen, unseen)]
        hits += (near[0] < near[1]).tolist()
        chances += [len(seen) / (len(seen) + len(unseen))] * len(made)
    if not hits:
        return {"share": None, "expected": None, "excess": None, "p": None}
    share, expected = float(np.mean(hits)), float(np.mean(chances))
    chance = np.array(chances)
    z = (sum(hits) - chance.sum()) / math.sqrt(float((chance * (1 - chance)).sum()))
    return {
        "share": share,
        "expected": expected,
        "excess": (share - expected) / (1 - expected),
        "p": 0.5 * math.erfc(z / math.sqrt(2)),
    }


def _flat(split: Split, label: int) -> np.ndarray:
    chosen = np.asarray(split.images)[split.labels == label]
    return chosen.reshape(len(chosen), int(np.prod(split.images.shape[1:]))).astype(np.float32)


def _nearest(made: np.ndarray, rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(rows).kneighbors(made)[0][:, 0]
    return found
