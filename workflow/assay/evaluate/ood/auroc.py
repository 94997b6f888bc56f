"""Area under the receiver operating characteristic."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """`P(s_out > s_in) + P(s_out = s_in) / 2`, by the Mann-Whitney statistic on mid-ranks.

    Exchanging which of the two counts as positive, and negating the scores with it, leaves it unchanged.

    Args:
        inside: scores [N] of test images.
        outside: scores [M] of outliers; infinite ones are allowed.
    """
    ranks = rankdata(np.concatenate([outside, inside]))
    above = ranks[: len(outside)].sum() - len(outside) * (len(outside) + 1) / 2
    return float(above / (len(outside) * len(inside)))
