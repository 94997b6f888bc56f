"""Effect sizes of differences that are paired by seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln


def hedges(differences: Sequence[float]) -> float | None:
    """Cohen's d_z of paired differences with Hedges' correction: their mean in their standard deviations.

    Few values make d_z = mean / sd too large on average; with n - 1 = m degrees of freedom it is multiplied by
    J(m) = gamma(m / 2) / (sqrt(m / 2) gamma((m - 1) / 2)) (Hedges 1981, doi:10.3102/10769986006002107), which for
    normal differences makes its mean right.

    Returns:
        None for fewer than three differences, for which the correction is not defined, or for equal ones.
    """
    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 3 or np.ptp(values) <= 1e-12 * np.abs(values).max():
        return None
    return float(values.mean() / values.std(ddof=1)) * correction(len(values) - 1)


def correction(freedom: int) -> float:
    """Hedges' J of so many degrees of freedom, 2 or more."""
    return float(np.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / (freedom / 2) ** 0.5)
