"""Dealing a number of images out to classes in proportion to what they hold."""

from __future__ import annotations

import numpy as np


def webster(sizes: np.ndarray, count: int) -> np.ndarray:
    """How many of `count` images each class gives, by Webster's method.

    The i-th image of a class with n images comes at (i + 1/2) / n; the first `count` are taken. Shares therefore never
    shrink as `count` grows, which rounding by largest remainders does not grant.

    Args:
        sizes: images that each class has, int64 [K].
        count: at most their sum.

    Returns:
        int64 [K], at most `sizes`, with the sum `count`.
    """
    number = np.repeat(np.arange(len(sizes)), sizes)
    place = np.concatenate([(np.arange(size) + 0.5) / max(size, 1) for size in sizes] or [np.zeros(0)])
    return np.bincount(number[np.argsort(place, kind="stable")[:count]], minlength=len(sizes)).astype(np.int64)


def remainders(shares: np.ndarray, count: int) -> np.ndarray:
    """`count` in the given shares, by largest remainders: int64 [K] with the sum `count`.

    Args:
        shares: float64 [K], >= 0, with the sum 1.
        count: what is dealt out.
    """
    exact = shares * count
    # The small term keeps floor from turning 50 into 49 where the product is a rounding error short of it.
    whole = np.floor(exact + 1e-9).astype(np.int64)
    more = np.argsort(-(exact - whole), kind="stable")[: count - int(whole.sum())]
    whole[more] += 1
    return whole
