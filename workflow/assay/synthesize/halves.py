"""Whether generators that learnt from disjoint halves of a train split make the same image from the same noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from assay.streams import Streams

#: Pairs of images that are compared.
PAIRS = 200
#: Pairs that are kept to be looked at.
SHOWN = 10


def half_of(labels: np.ndarray, number: int, streams: Streams) -> np.ndarray:
    """Which images are those of half 0 or 1, indices int64 in rising order.

    Each class is dealt out at random, and the halves have sizes that differ by one at most.

    Args:
        labels: int64 [N].
        number: of the half.
        streams: stream `generator` is used.
    """
    order = streams.numpy("generator", "halves").permutation(len(labels))
    dealt = order[np.argsort(labels[order], kind="stable")]
    return np.sort(dealt[number::2])


def streams_of(streams: Streams, number: int) -> Streams:
    """Streams for the generator of a half, so that two halves share neither their start nor their draws."""
    return Streams({"generator": streams.seed("generator", "half", number)})


def agreement(
    sample: Sequence[Callable[[np.ndarray], np.ndarray]],
    asked: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
    streams: Streams,
) -> tuple[dict[str, float | None], np.ndarray | None]:
    """The test of Kadkhodaie et al. (2024, arXiv:2310.02557, section 2.2 and figure 2).

    Networks that learnt the distribution make nearly the same image from the same noise, whichever images they saw;
    networks that know images by heart make each one of its own. Images are compared by the cosine of the angle between
    their pixels. The mean train image of the class is taken away first, which is not in the paper: it knows no classes,
    and two images of one class are alike in what all images of the class have.

    Args:
        sample: of each half, a function from classes int64 [M] to images uint8 [M,H,W,C], from the same noise.
        asked: classes of the images that a set holds, int64; at most 200, evenly spread, are made again.
        images: of the whole train split, uint8 [N,H,W,C].
        labels: int64 [N].
        streams: those by which the halves were dealt.

    Returns:
        `agreement`: mean cosine of the two images that come from one noise. `chance`: the same of an image and the
        next one of its class, from another noise; None where each class has one alone. `nearest`: mean cosine of an
        image and the train image of its half and class that is most like it: above `agreement` for a generator that
        copies. All are None where nothing was asked for. Then the first pairs, uint8 [2,10,H,W,C].
    """
    if len(asked) == 0:
        return {"agreement": None, "chance": None, "nearest": None}, None
    asked = np.sort(asked)[np.linspace(0, len(asked) - 1, min(len(asked), PAIRS)).round().astype(np.int64)]
    made = [draw(asked) for draw in sample]
    same, other, near = [], [], []
    for label in np.unique(asked):
        mean = _flat(images[labels == label]).mean(0)
        first, second = (_unit(_flat(part[asked == label]) - mean) for part in made)
        same.append((first * second).sum(1))
        if len(first) > 1:
            other.append((first * np.roll(second, 1, 0)).sum(1))
        for number, rows in enumerate((first, second)):
            seen = half_of(labels, number, streams)
            known = _unit(_flat(images[seen[labels[seen] == label]]) - mean)
            if len(known):
                near.append((rows @ known.T).max(1))
    shown = np.linspace(0, len(asked) - 1, min(len(asked), SHOWN)).round().astype(np.int64)
    figures = {"agreement": same, "chance": other, "nearest": near}
    return {
        name: float(np.concatenate(values).mean()) if values else None for name, values in figures.items()
    }, np.stack([part[shown] for part in made])


def _flat(images: np.ndarray) -> np.ndarray:
    return np.asarray(images).reshape(len(images), int(np.prod(images.shape[1:]))).astype(np.float64)


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1; a row of zeros, which points nowhere, stays."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    made: np.ndarray = rows / np.where(length > 0, length, 1)
    return made
