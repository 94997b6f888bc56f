"""What so many seeds can show at all, whatever their values.

With n seeds there are 2^n ways to give the differences their signs. Where chance alone decides the signs, all of them
agree with the claim once in 2^n studies, and no smaller p can be had without believing in the shape of a distribution
of which a handful of values says nothing. So no p of a comparison counts for less, by whatever test it came.
"""

from __future__ import annotations

import math


def floor(n: int) -> float:
    """The smallest p that n seeds can have."""
    return 2.0**-n


def fewest(alpha: float, claims: int = 1) -> int:
    """Seeds from which on one of several claims that are corrected together can be decided at level alpha.

    Five for one claim at 0.05, seven for six.
    """
    return math.ceil(math.log2(claims / alpha))
