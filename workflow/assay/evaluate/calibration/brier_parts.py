"""The Brier score taken apart (Murphy 1973, doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.calibration.bins import binned


def brier_parts(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> dict[str, float]:
    """`brier = reliability - resolution + uncertainty + within`, summed over the classes.

    For each class, over equal-width bins m of its probability p, with `o_m` the share of the bin's images that belong
    to the class and `o` that of all: reliability `sum_m n_m/N (mean p - o_m)^2`, resolution `sum_m n_m/N (o_m - o)^2`,
    uncertainty `o (1 - o)`. Murphy's three parts are exact when all forecasts of a bin are equal; `within` is what the
    variation inside of bins adds (Stephenson et al. 2008, doi:10.1175/2007WAF2006116.1), so that the sum always holds.

    Args:
        probabilities: float64 [N,K].
        labels: int64 [N].
        bins: M.

    Raises:
        UndefinedError: no images.
    """
    parts = {"reliability": 0.0, "resolution": 0.0, "uncertainty": 0.0, "within": 0.0}
    for number in range(probabilities.shape[1]):
        given, member = probabilities[:, number], labels == number
        count, total, hits = binned(given, member, bins)
        full = count > 0
        share, mean, seen = count[full] / count.sum(), total[full] / count[full], hits[full] / count[full]
        base = member.mean()
        own = {
            "reliability": share @ (mean - seen) ** 2,
            "resolution": share @ (seen - base) ** 2,
            "uncertainty": base * (1 - base),
        }
        for name, value in own.items():
            parts[name] += float(value)
        whole = np.mean((given - member) ** 2)
        parts["within"] += float(whole - own["reliability"] + own["resolution"] - own["uncertainty"])
    return parts
