"""Selective prediction: the share of errors among the images kept, against the share kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from assay.figures.svg import Drawing, Plot, Style, padded

#: Coverages at which the curves of several trials are averaged.
GRID = np.linspace(0.0, 1.0, 101)[5:]


def curves_of(figures: Iterable[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Rule -> mean risk over some trials at the coverages of `GRID`; `best` is the order with every error last.

    Args:
        figures: `figures.json` of the family `selective`, one for each trial or part of one.
    """
    found: dict[str, list[np.ndarray]] = {}
    for one in figures:
        for rule, drawn in [*one.get("rules", {}).items(), *([("best", one["best"])] if "best" in one else [])]:
            found.setdefault(rule, []).append(np.interp(GRID, drawn["coverage"], drawn["risk"]))
    return {rule: np.mean(several, axis=0) for rule, several in found.items()}


def curve(name: str, risks: Mapping[str, np.ndarray], looks: Mapping[str, Style], best: np.ndarray | None) -> Drawing:
    """A line for each rule or arm.

    Args:
        name: the trial, or the rule, whose curves they are.
        risks: what each line is called -> its risk at the coverages of `GRID`.
        looks: how each looks.
        best: the risk when every error is handed on first, drawn as a dashed line; None to leave it out.
    """
    most = max(float(risk.max()) for risk in risks.values())
    plot = Plot((0.0, 1.0), (0.0, padded([0.0, most])[1]), x_label="share kept (coverage)", y_label="errors among them")
    if best is not None:
        plot.line(GRID, best, Style(0), width=1)
    for one, risk in risks.items():
        plot.line(GRID, risk, looks[one], arm=looks[one].number)
    told = "; ".join(f"{one} {100 * float(np.interp(0.8, GRID, risk)):.1f}%" for one, risk in risks.items())
    label = f"Risk against coverage of {name}; errors among the 80% most confident: {told}"
    return Drawing(plot, label, [(one, looks[one]) for one in risks])
