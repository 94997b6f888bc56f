"""Conformal prediction: how many classes the sets hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from assay.figures.svg import Drawing, Plot, Style, padded


def shares_of_sizes(figures: Iterable[dict[str, Any]], method: str, alpha: str) -> np.ndarray | None:
    """The share of images by the number of classes in their set, over some trials: [K+1], or None without sets.

    Args:
        figures: `figures.json` of the family `conformal`, one for each trial or part of one.
        method: which sets.
        alpha: which sets, as the file writes it.
    """
    total: np.ndarray | None = None
    for part in figures:
        drawn = part.get("methods", {}).get(method, {}).get(alpha)
        if drawn:
            counts = np.array(drawn["size"], float)
            total = counts if total is None else total + counts
    return total / total.sum() if total is not None and total.any() else None


def sizes(name: str, alpha: str, shares: dict[str, np.ndarray], looks: Mapping[str, Style]) -> Drawing:
    """The share of images against the number of classes in their set, a line for each arm or method.

    Args:
        name: the method, or the trial, whose sets they are.
        alpha: the error rate that was allowed.
        shares: arm or method to what `shares_of_sizes` gave.
        looks: how each of these looks.
    """
    # Beyond the largest set that any of them gives there is nothing to see.
    most = max(int(np.flatnonzero(share > 0.0005).max()) for share in shares.values()) + 1
    highest = max(float(share.max()) for share in shares.values())
    plot = Plot(
        (0.0, max(most, 2)),
        (0.0, padded([0.0, highest])[1]),
        size=(300, 200),
        x_label="classes in the set",
        y_label="share of images",
    )
    for one, share in shares.items():
        style = looks[one]
        kept = share[: most + 1].tolist()
        plot.line(list(range(len(kept))), kept, style, arm=style.number)
        for at, value in enumerate(kept):
            title = f"{one}: {100 * value:.1f}% of images get {at} classes"
            plot.dot(at, value, style, title, arm=style.number, r=2.6)
    told = "; ".join(f"{one} {100 * share[1]:.0f}%" for one, share in shares.items())
    label = f"Sizes of the sets of {name} at alpha {alpha}; one class: {told}"
    return Drawing(plot, label, [(one, looks[one]) for one in shares])
