"""EL2N: the images with the largest error early in training are kept."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.curation import View, amount, highest
from assay.errors import MethodError


@method(
    "curate",
    "el2n",
    summary="keep the images whose predicted probabilities were furthest from their label early in training",
    paper="Paul et al. 2021, arXiv:2107.07075",
    options={
        "keep": Option(..., "share of the images up to 1, or their number", type=float, above=0),
        "epochs": Option(10, "how many of the first epochs are averaged over", at_least=1),
        "offset": Option(
            0.0, "share of the images with the largest error that is left out, as likely wrong", at_least=0, below=1
        ),
    },
    reads=["dynamics"],
    shapes="errors [E,N] -> indices int64 [M]",
)
def el2n(view: View, *, keep: float, epochs: int, offset: float) -> np.ndarray:
    """EL2N(x, y) = E ||p(x) - y||_2 (definition 2.5); keep the largest, after the `offset` largest (section 3.2).

    The paper averages ten networks at one epoch; here one network is averaged over its first epochs, in the batches of
    its training. An image that these epochs did not draw has the score 0.

    Raises:
        MethodError: nobody watched a training, it was shorter, or more images than there are.
    """
    error = view.dynamics.error
    if epochs > len(error):
        raise MethodError(f"el2n: the first {epochs} epochs are asked for, but the arm trained for {len(error)}")
    first = error[:epochs]
    drawn = np.isfinite(first)
    score = np.where(drawn, first, 0).sum(0, dtype=np.float64) / np.maximum(drawn.sum(0), 1)
    left_out, count = int(offset * len(view) + 0.5), amount(keep, len(view))
    if left_out + count > len(view):
        raise MethodError(f"el2n: {count} images to keep and {left_out} to leave out are more than {len(view)}")
    return highest(score, left_out + count, view.rng)[left_out:]
