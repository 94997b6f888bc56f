"""Accuracy against the severity of corruptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from assay.figures.svg import Drawing, Plot, Style, padded

#: What the mean over corruptions is called.
MEAN = "mean"

#: severities [S], 0 for images as they are, and accuracies [S]
Line = tuple[list[int], np.ndarray]


def lines_of(figures: Iterable[dict[str, Any]]) -> dict[str, Line]:
    """The accuracy of one trial under each corruption, and the mean over corruptions where there are several.

    Args:
        figures: `figures.json` of each part of the family `corruption`.
    """
    found: dict[str, Line] = {}
    for part in figures:
        clean = (part.get("clean") or {}).get("accuracy")
        for name, drawn in (part.get("corruptions") or {}).items():
            values = [clean, *drawn["accuracy"]]
            if None not in values:
                found[name] = ([0, *drawn["severities"]], np.array(values, float))
    if len(found) > 1:
        places = next(iter(found.values()))[0]
        found = {MEAN: (places, np.mean([values for _, values in found.values()], axis=0)), **found}
    return found


def against_severity(name: str, lines: Mapping[str, list[Line]], looks: Mapping[str, Style]) -> Drawing:
    """Accuracy against severity, a line for each arm (the mean over its seeds, and their range) or corruption.

    Args:
        name: what is drawn, a corruption or a trial.
        lines: arm or corruption -> its lines, one for each seed.
        looks: how each of these looks.
    """
    most = max(places[-1] for seeds in lines.values() for places, _ in seeds)
    low, high = padded(np.concatenate([values for seeds in lines.values() for _, values in seeds]))
    plot = Plot(
        (0.0, float(most)), (max(0.0, low), min(1.004, high)), size=(300, 200), x_label="severity", y_label="accuracy"
    )
    told = []
    for one, seeds in lines.items():
        style, places = looks[one], seeds[0][0]
        values = np.stack([each for _, each in seeds])
        mean = values.mean(axis=0)
        if len(values) > 1:
            plot.band(places, values.min(axis=0), values.max(axis=0), style, arm=style.number)
        plot.line(places, mean, style, arm=style.number)
        for at, value in zip(places, mean.tolist(), strict=True):
            plot.dot(at, value, style, f"{one}, severity {at}: {value:.3f}", arm=style.number, r=2.6)
        told.append(f"{one} from {mean[0]:.3f} to {mean[-1]:.3f}")
    label = f"Accuracy against the severity of {name}: {'; '.join(told)}"
    return Drawing(plot, label, [(one, looks[one]) for one in lines])
