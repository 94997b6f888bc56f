"""Smooth calibration error, which needs no bins (Blasiok & Nakkiran 2023, arXiv:2309.12236)."""

from __future__ import annotations

import numpy as np
from scipy.fft import dct, idct
from scipy.optimize import brentq

from assay.evaluate.result import UndefinedError

#: Cells into which [0, 1] is cut, and the smallest width that is told apart on them.
CELLS, NARROWEST = 1 << 14, 1e-4


def smooth_ece(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """`smECE_s` at the one width s with `smECE_s = s` (definition 8), of the largest probability.

    `smECE_s = integral over [0, 1] of |1/N sum_i K_s(t, f_i) (y_i - f_i)| dt`, where f is the confidence, y whether the
    prediction is right, and K the Gaussian kernel of width s reflected at 0 and 1. `smECE_s` never grows with s, so
    there is one such s. Below a width of 1e-4 the search ends, and the error at that width is given.

    Args:
        probabilities: float64 [N,K].
        labels: int64 [N].

    Raises:
        UndefinedError: no images.
    """
    if len(labels) == 0:
        raise UndefinedError("there are no images")
    confidence = np.clip(probabilities.max(axis=1), 0.0, 1.0)
    gaps = (probabilities.argmax(axis=1) == labels) - confidence
    # Reflection at both ends makes the kernel diagonal in the cosine basis, as the heat kernel of [0, 1].
    spectrum = dct(_density(confidence, gaps), type=1)
    if _error(spectrum, NARROWEST) <= NARROWEST:
        return _error(spectrum, NARROWEST)
    return float(brentq(lambda width: _error(spectrum, width) - width, NARROWEST, 1.0 + 1e-9, xtol=1e-10))


def _density(places: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Point masses, over N, as a density float64 [CELLS + 1]; each is shared between the two grid points beside it."""
    at = places * CELLS
    left = np.minimum(at.astype(np.int64), CELLS - 1)
    share = at - left
    density = np.bincount(left, masses * (1 - share), CELLS + 1) + np.bincount(left + 1, masses * share, CELLS + 1)
    density[[0, -1]] *= 2  # the cells at the ends are half as wide
    result: np.ndarray = density * CELLS / len(places)
    return result


def _error(spectrum: np.ndarray, width: float) -> float:
    waves = np.pi * np.arange(CELLS + 1)
    smoothed = np.abs(idct(spectrum * np.exp(-((width * waves) ** 2) / 2), type=1))
    return float((smoothed.sum() - (smoothed[0] + smoothed[-1]) / 2) / CELLS)
