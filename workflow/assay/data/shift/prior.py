"""Class shares at test written down one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay import Option, method
from assay.data.alter.names import number_of
from assay.errors import MethodError


@method(
    "shift",
    "prior",
    summary="the shares of the classes at test are those that are written down",
    paper="Lipton et al. 2018, arXiv:1802.03916",
    options={"shares": Option(..., "class -> its share; those not named have none", type=dict, item=float, at_least=0)},
    shapes="counts int64 [K] -> shares float64 [K]",
)
def prior(
    counts: np.ndarray,
    classes: Sequence[str],
    rng: np.random.Generator,  # noqa: ARG001 - the contract of a shift
    *,
    shares: dict[str, float],
) -> np.ndarray:
    """The shares, scaled to the sum 1.

    Args:
        counts: test images of each class, int64 [K].
        classes: names, K of them.
        rng: not used.
        shares: class name -> weight, >= 0.

    Raises:
        MethodError: a class that there is not, or no share above 0.
    """
    made = np.zeros(len(counts))
    for name, share in shares.items():
        made[number_of(name, classes, "shift.shares")] = share
    if not made.sum() > 0:
        raise MethodError("shift.shares: expected a share above 0 for at least one class")
    return made / made.sum()
