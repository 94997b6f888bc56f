"""The gate before an arm may learn from a synthetic set: figures of its quality against thresholds of the config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Where each figure of a gate stands in `quality`, and whether a threshold is the least or the most of it.
FIGURES: dict[str, tuple[tuple[str, ...], str]] = {
    "agreement": (("agreement", "synthetic"), "least"),
    "fid": (("fid", "synthetic"), "most"),
    "kid": (("kid", "synthetic"), "most"),
    "precision": (("precision", "synthetic"), "least"),
    "recall": (("recall", "synthetic"), "least"),
    "density": (("density", "synthetic"), "least"),
    "coverage": (("coverage", "synthetic"), "least"),
    "diversity": (("diversity", "least"), "least"),
    "duplicates": (("duplicates", "train"), "most"),
    "copied": (("copied", "synthetic"), "most"),
    "memorised": (("memorised", "excess"), "most"),
    "halves": (("halves", "agreement"), "least"),
}


def figure(quality: Mapping[str, Any], name: str) -> float | None:
    """A figure of a gate in what `assay.synthesize.quality.assess` gives; None where it was not measured."""
    first, second = FIGURES[name][0]
    value: float | None = quality.get(first, {}).get(second)
    return value


def faults(quality: Mapping[str, Any], gate: Mapping[str, float]) -> list[str]:
    """What keeps a set from passing, one sentence a figure; empty if it passes.

    A figure that could not be measured does not pass: nobody knows that the set is good.
    """
    found = []
    for name, bound in gate.items():
        value, which = figure(quality, name), FIGURES[name][1]
        if value is None:
            found.append(f"{name} could not be measured")
        elif value < bound if which == "least" else value > bound:
            found.append(f"{name} is {value:.3g}, at {which} {bound:g} is asked")
    return found
