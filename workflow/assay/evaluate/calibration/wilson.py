"""The score interval of a share (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri


def wilson(hits: np.ndarray, count: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval of each share `hits / count`, [B] each; NaN where the count is 0.

    `(p + z^2/2n -+ z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n)`, with p the share and z the normal quantile of the
    level. It holds for any n and never leaves 0..1.
    """
    z = ndtri((1 + level) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share, spread = np.asarray(hits) / count, z**2 / np.asarray(count, dtype=np.float64)
        middle = (share + spread / 2) / (1 + spread)
        reach = z * np.sqrt(share * (1 - share) / count + spread / (4 * np.asarray(count))) / (1 + spread)
        return np.clip(middle - reach, 0, 1), np.clip(middle + reach, 0, 1)
