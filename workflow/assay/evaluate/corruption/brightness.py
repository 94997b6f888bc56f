"""Brightness."""

from __future__ import annotations

import numpy as np

from assay.augment.draw import Draw
from assay.evaluate.corruption.pixels import stored, unit
from assay.study.registry import method

#: What is added to the value of HSV, by severity.
ADDED = (0.05, 0.1, 0.15, 0.2, 0.3)


@method(
    "corruption",
    "brightness",
    summary="the value of HSV is raised",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    shapes="images uint8 [B,H,W,C] -> uint8 [B,H,W,C]",
)
def brightness(images: np.ndarray, severity: int, draw: Draw) -> np.ndarray:
    """Hue and saturation stay; the value v, the largest of the channels, becomes min(v + c, 1).

    RGB is in proportion to v where the other two are held. Black has no hue and becomes grey.
    """
    made = unit(images)
    value = made.max(axis=3, keepdims=True)
    raised = np.minimum(value + ADDED[severity - 1], 1.0)
    return stored(np.where(value > 0, made / np.where(value > 0, value, 1.0), 1.0) * raised)
