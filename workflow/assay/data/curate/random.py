"""Images kept at random: what any other way of curating must beat at equal size."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.curation import View, amount
from assay.errors import MethodError


@method(
    "curate",
    "random",
    summary="keep images at random, as many as asked for or as another dataset has",
    options={
        "keep": Option(
            None,
            "share of the images up to 1, or their number; null: as many as the dataset `as-many-as`",
            type=float,
            above=0,
            optional=True,
        )
    },
    reads=["size"],
    shapes="N images -> indices int64 [M]",
)
def random(view: View, *, keep: float | None) -> np.ndarray:
    """M of N images, each subset equally likely.

    Raises:
        MethodError: more images than there are, or neither a number nor a dataset to take it from.
    """
    if keep is not None:
        return view.rng.permutation(len(view))[: amount(keep, len(view))]
    size = view.evidence.size
    if size is None:
        raise MethodError("random: set `keep`, or name the dataset whose number of images counts under `as-many-as`")
    if size > len(view):
        raise MethodError(f"random: as many as {size} images are asked for, but the train split has {len(view)}")
    return view.rng.permutation(len(view))[:size]
