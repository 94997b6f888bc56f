"""What functions in claims make of curves: one number for each seed.

A claim over such a number is tested like any other, seed by seed: it is about the mean of the seeds' own slopes,
exponents or crossings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import pearsonr, spearmanr


class NoValueError(ValueError):
    """A function has no value on this curve. The message says why."""


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """The slope of the least-squares line of y [P] on x [P]."""
    return float(np.polyfit(x, y, 1)[0])


def exponent(x: np.ndarray, y: np.ndarray) -> float:
    """The exponent b of a power law `y = a x^b`: the slope of log y on log x (Hestness et al. 2017, arXiv:1712.00409).

    Raises:
        NoValueError: a value that is not above 0.
    """
    if min(x.min(), y.min()) <= 0:
        raise NoValueError("a power law needs values above 0")
    return slope(np.log(x), np.log(y))


def knee(x: np.ndarray, y: np.ndarray) -> float:
    """Where the curve bends most: the x of the point farthest from the chord between the first point and the last.

    Satopaa et al. 2011, doi:10.1109/ICDCSW.2011.20 (Kneedle), without smoothing, on either side of the chord. The first
    of several such points counts.

    Raises:
        NoValueError: every point lies on the chord.
    """
    chord = y[0] + (y[-1] - y[0]) * (x - x[0]) / (x[-1] - x[0])
    away = np.abs(y - chord)
    if away.max() <= 1e-12 * max(1.0, float(np.abs(y).max())):
        raise NoValueError("the points lie on a line")
    return float(x[int(np.argmax(away))])


def crossing(x: np.ndarray, y: np.ndarray, level: float) -> float:
    """Where y, drawn straight between its points, passes through a level.

    Raises:
        NoValueError: it does so nowhere, or more than once.
    """
    above = y - level
    found = [float(place) for place, height in zip(x, above, strict=True) if height == 0]
    for left in range(len(x) - 1):
        low, high = above[left], above[left + 1]
        if low * high < 0:
            found.append(float(x[left] + (x[left + 1] - x[left]) * low / (low - high)))
    if len(found) != 1:
        raise NoValueError("it is crossed nowhere" if not found else f"it is crossed {len(found)} times")
    return found[0]


def crossover(x: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Where two curves over the same x, drawn straight between their points, cross.

    Raises:
        NoValueError: they do so nowhere, or more than once.
    """
    return crossing(x, first - second, 0.0)


def correlation(statistic: Callable[..., object], first: np.ndarray, second: np.ndarray) -> float:
    """A correlation of two metrics [P] over the same arms.

    Raises:
        NoValueError: one of them is the same everywhere.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        raise NoValueError("a metric is the same everywhere, so nothing goes with it")
    return float(statistic(first, second).statistic)  # type: ignore[attr-defined]


def value(name: str, x: Sequence[float], curves: Sequence[Sequence[float]], level: float = 0.0) -> float:
    """The value of a function of this name on one seed's curves.

    Args:
        name: of the function, any but `sd`.
        x: where the points lie [P], rising; correlations make no use of it.
        curves: y [P] of each curve: one, or two for `crossover` and correlations.
        level: of `crossing`.

    Raises:
        NoValueError: it has none on these curves.
    """
    places, made = np.asarray(x, dtype=np.float64), [np.asarray(curve, dtype=np.float64) for curve in curves]
    if name == "crossing":
        return crossing(places, made[0], level)
    if name == "crossover":
        return crossover(places, made[0], made[1])
    if name in ("spearman", "pearson"):
        return correlation(spearmanr if name == "spearman" else pearsonr, made[0], made[1])
    return {"slope": slope, "exponent": exponent, "knee": knee}[name](places, made[0])
