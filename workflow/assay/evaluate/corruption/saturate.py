"""Saturation, one of the four extra corruptions."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.pixels import stored, unit
from assay.evaluate.result import UndefinedError
from assay.study.registry import method

#: Factor and summand of the saturation of HSV, by severity. The first two take colour away, the others add it.
STRENGTH = ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2))


@method(
    "corruption",
    "saturate",
    summary="the saturation of HSV falls or grows (extra; of colour images alone)",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,3] -> uint8 [B,H,W,3]",
)
def saturate(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """Hue and value stay; the saturation s becomes a s + b within 0..1.

    With v the largest channel, v - x is in proportion to s where hue and value are held. A grey pixel has hue 0, red.

    Raises:
        UndefinedError: the images are grey.
    """
    if images.shape[3] == 1:
        raise UndefinedError("grey images have no saturation to change")
    factor, summand = STRENGTH[severity - 1]
    made = unit(images)
    value = made.max(axis=3, keepdims=True)
    away = value - made
    saturation = away.max(axis=3, keepdims=True) / np.where(value > 0, value, 1.0)
    coloured = saturation > 0
    changed = np.clip(saturation * factor + summand, 0.0, 1.0)
    red = value * np.array([0.0, 1.0, 1.0])
    unsaturated = np.where(coloured, away / np.where(coloured, saturation, 1.0), red)
    return stored(value - changed * unsaturated)
