"""Class shares at test drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay import Option, method


@method(
    "shift",
    "prior-dirichlet",
    summary="the shares of the classes at test are drawn from a Dirichlet distribution",
    paper="Lipton et al. 2018, arXiv:1802.03916",
    options={"alpha": Option(1.0, "concentration: small numbers give few classes nearly everything", above=0)},
    shapes="counts int64 [K] -> shares float64 [K]",
)
def prior_dirichlet(
    counts: np.ndarray,
    classes: Sequence[str],  # noqa: ARG001 - the contract of a shift
    rng: np.random.Generator,
    *,
    alpha: float,
) -> np.ndarray:
    """Shares from Dirichlet(alpha, ..., alpha) over the classes that have test images.

    Args:
        counts: test images of each class, int64 [K].
        classes: names, K of them.
        rng: draws the shares.
        alpha: above 0.
    """
    made = np.zeros(len(counts))
    present = counts > 0
    if present.any():
        made[present] = rng.dirichlet(np.full(int(present.sum()), float(alpha)))
    return made
