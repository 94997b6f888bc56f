"""Pieces of the page that hold a picture or words beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.figures.markup import Markup, escape, join, tag
from assay.figures.pictures import uri

__all__ = ["Markup", "escape", "figure", "join", "note", "picture", "tag"]


def figure(drawing: Markup, caption: Any = None, *, kind: str, **attributes: Any) -> Markup:
    """A drawing with its caption. `kind` names the sort of figure (`roc`, `confusion`, ...) in `data-figure`."""
    return tag("figure", tag("figcaption", caption) if caption else None, drawing, data_figure=kind, **attributes)


def note(*children: Any) -> Markup:
    """A paragraph in the quieter voice that explains how to read what stands beside it."""
    return tag("p", *children, class_="note")


def picture(pixels: np.ndarray, alt: str, scale: int) -> Markup:
    """An `img` of a sheet shown at `scale` page pixels a pixel, or smaller where the column is narrow.

    The style sheet enlarges it without smoothing.
    """
    height, width = pixels.shape[:2]
    return tag(
        "img", src=uri(pixels), alt=alt, width=width, height=height, class_="pixels",
        style=f"max-width:{width * scale}px",
    )  # fmt: skip
