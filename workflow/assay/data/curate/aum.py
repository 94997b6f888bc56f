"""Area under the margin: labels that the model never came to prefer are taken for wrong."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.curation import View, amount, highest


@method(
    "curate",
    "aum",
    summary="drop images whose label's logit stayed below the largest other one, on average over training",
    paper="Pleiss et al. 2020, arXiv:2001.10528",
    options={
        "keep": Option(
            None,
            "share of the images up to 1, or their number, of the largest area; null: by `above`",
            type=float,
            above=0,
            optional=True,
        ),
        "above": Option(0.0, "keep images whose mean margin, in logits, is above this; unused with `keep`"),
    },
    reads=["dynamics"],
    shapes="margins [E,N] -> indices int64 [M]",
)
def aum(view: View, *, keep: float | None, above: float) -> np.ndarray:
    """AUM(x, y) = mean over epochs of z_y(x) - max_(k != y) z_k(x), on the batches of training (equation 1).

    The paper sets the threshold by images given to an extra class, which costs a training of its own. Here it is a
    number, 0 by default (another class was preferred on average), or a share of the images. An image that no epoch drew
    counts as preferred by none: it goes first with `keep`, and is dropped otherwise.

    Raises:
        MethodError: nobody watched a training, or more images than there are.
    """
    margin = view.dynamics.margin
    drawn = np.isfinite(margin)
    area = np.where(drawn, margin, 0).sum(0, dtype=np.float64) / np.maximum(drawn.sum(0), 1)
    area[~drawn.any(0)] = -np.inf
    if keep is None:
        return np.flatnonzero(area > above)
    return highest(area, amount(keep, len(view)), view.rng)
