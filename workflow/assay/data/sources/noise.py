"""Images of pure noise: far out of any distribution."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.given import Given
from assay.data.raw import Raw, numbered
from assay.errors import MethodError


@method(
    "source",
    "noise",
    summary="images of independent Gaussian or uniform noise, shaped like another dataset",
    paper="Liang et al. 2018, arXiv:1706.02690",
    options={
        "kind": Option("gaussian", "distribution of a pixel value", choices=["gaussian", "uniform"]),
        "count": Option(1000, "images", at_least=1),
    },
    shapes="images uint8 [count,H,W,C] with H, W, C of `like`; labels -1",
)
def noise(given: Given, *, kind: str, count: int) -> Raw:
    """Every value of every channel drawn alone, as in Liang et al. (section 4.2).

    `gaussian`: mean 0.5 and standard deviation 1 on the scale 0..1, clipped to it. `uniform`: every one of the 256
    values equally likely. More images begin with those of a smaller set.

    Raises:
        MethodError: no dataset to be shaped like.
    """
    if given.like is None:
        raise MethodError("noise has no shape of its own: name the dataset it is to look like under `like`")
    shape = (count, *next(iter(given.like.splits.values())).images.shape[1:])
    rng = given.streams.numpy("generator", "noise", kind)
    if kind == "uniform":
        images = rng.integers(0, 256, shape, dtype=np.uint8)
    else:
        images = np.rint(255 * np.clip(rng.normal(0.5, 1.0, shape), 0, 1)).astype(np.uint8)
    return Raw(
        images, np.full(count, -1, np.int64), [], ids=numbered(count, f"{kind}-"), licence="none (computed)",
        citation="Liang et al. (2018), arXiv:1706.02690",
    )  # fmt: skip
