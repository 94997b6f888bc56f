"""Multi-colour MNIST: two background colours, each tied to the digit by its own degree."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.given import Given
from assay.data.raw import Raw

#: Background on the left for each digit, as shares of red, green and blue: ten hues, 36 degrees apart, fully saturated.
LEFT = np.array(
    [
        [1.0, 0.0, 0.0], [1.0, 0.6, 0.0], [0.8, 1.0, 0.0], [0.2, 1.0, 0.0], [0.0, 1.0, 0.4],
        [0.0, 1.0, 1.0], [0.0, 0.4, 1.0], [0.2, 0.0, 1.0], [0.8, 0.0, 1.0], [1.0, 0.0, 0.6],
    ]
)  # fmt: skip
#: Background on the right: the complement.
RIGHT = 1 - LEFT


@method(
    "source",
    "multi-colour-mnist",
    summary="digits on a left and a right background colour, two shortcuts of different strength",
    paper="Li et al. 2022, arXiv:2207.10077",
    options={
        "left": Option(0.99, "share of train images whose left colour is that of their digit", at_least=0, at_most=1),
        "right": Option(0.95, "share of train images whose right colour is that of their digit", at_least=0, at_most=1),
        "jitter": Option(0.005, "standard deviation of a colour's channels, on the scale 0..1", at_least=0),
    },
    shapes="images uint8 [70000,28,28,3], labels int64 [70000] of 10 classes",
)
def multi_colour_mnist(given: Given, *, left: float, right: float, jitter: float) -> Raw:
    """Each half's colour is the digit's own with probability `left` or `right`, else one of the nine others.

    On the official test split both colours are drawn evenly over all ten, so that they tell nothing. A pixel is
    min(255, grey + 255 colour), with the colour jittered for each image and half and clipped to 0..1; strokes stay
    white. `groups` says which colours are the digit's: `both`, `left`, `right` or `neither`.

    The scheme is the authors'. The ten left colours are ours, the right ones their complements; the authors set the
    shares by counting, here each image is drawn.
    """
    from assay.data.sources.mnist import mnist

    base = mnist(given)
    assert base.parts is not None
    test = base.parts == "test"
    chosen = [
        _colours(base.labels, np.where(test, 0.1, share), given.streams.numpy("generator", "multi-colour-mnist", half))
        for half, share in (("left", left), ("right", right))
    ]
    images = np.empty((*base.images.shape[:3], 3), np.uint8)
    half = images.shape[2] // 2
    for side, palette, colours, columns in (
        ("left", LEFT, chosen[0], slice(0, half)),
        ("right", RIGHT, chosen[1], slice(half, None)),
    ):
        spread = given.streams.numpy("generator", "multi-colour-mnist", "jitter", side).standard_normal(
            (len(colours), 3)
        )
        colour = np.rint(255 * (palette[colours] + jitter * spread).clip(0, 1)).astype(np.uint8)
        # The sum of two bytes clipped at 255, without leaving bytes.
        grey = base.images[:, :, columns]
        images[:, :, columns] = grey + np.minimum(colour[:, None, None], 255 - grey)
    own = [colours == base.labels for colours in chosen]
    return Raw(
        images,
        base.labels,
        list(base.classes),
        ids=base.ids,
        parts=base.parts,
        groups=np.array(["neither", "right", "left", "both"])[2 * own[0] + own[1]],
        licence=base.licence,
        citation=f"Li et al. (2022), arXiv:2207.10077; {base.citation}",
    )


def _colours(labels: np.ndarray, share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The colour of each image, int64 [N]: its label with probability `share` [N], else one of the nine others."""
    other = (labels + rng.integers(1, 10, len(labels))) % 10
    return np.where(rng.random(len(labels)) < share, labels, other)
