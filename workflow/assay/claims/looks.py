"""Looks at a growing number of seeds, each paid for with a part of alpha.

Who looks after 5 seeds, then after 10, and stops when he likes what he sees, has two chances to be wrong. Declared
looks share alpha: the spending function of Lan and DeMets 1983 (doi:10.1093/biomet/70.3.659) in the form of O'Brien and
Fleming says how much may have been spent by when, and each look may use what it adds. Whatever goes together, the sum
of the parts bounds the probability of an error at any look (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import ndtr, ndtri


def spent(alpha: float, share: float) -> float:
    """What of alpha may be spent once this share of the seeds has been seen: `2 - 2 Phi(z_(alpha/2) / sqrt(share))`."""
    return float(2 * ndtr(ndtri(alpha / 2) / share**0.5))


def level(alpha: float, looks: Sequence[int], seeds: int) -> float:
    """The level of the look at a number of seeds.

    Args:
        alpha: of all looks together.
        looks: numbers of seeds, rising; the last is the largest that the study may have.
        seeds: one of them.

    Raises:
        ValueError: no look is planned at this number.
    """
    place = list(looks).index(seeds)
    before = spent(alpha, looks[place - 1] / looks[-1]) if place else 0.0
    return spent(alpha, seeds / looks[-1]) - before
