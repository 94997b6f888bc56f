"""One-sided tests of whether the mean of a few values, one a seed, lies above 0."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr
from scipy.stats import permutation_test

#: Sign patterns that are enumerated; with more seeds than 16 as many are drawn.
PATTERNS = 2**16


def t_test(values: np.ndarray) -> float:
    """p of Student's t test; by `sign_flip` where the values do not vary, so that t has no value.

    Equal differences on a few test images are no sign of certainty, so they count for no more than their number.
    """
    if np.ptp(values) == 0:
        return sign_flip(values)
    t = values.mean() / (values.std(ddof=1) / len(values) ** 0.5)
    return float(stdtr(len(values) - 1, -t))


def sign_flip(values: np.ndarray) -> float:
    """p of the sign-flip permutation test on the mean (Fisher 1935), exact for up to 16 values.

    It assumes only that values are symmetric about 0 under the null; with n values it is at least `2^-n`.
    """
    test = permutation_test(
        (values,),
        lambda flipped, axis: np.mean(flipped, axis=axis),
        permutation_type="samples",
        alternative="greater",
        n_resamples=PATTERNS,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)
