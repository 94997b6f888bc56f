"""Out-of-distribution detection: ROC curves, and histograms of scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from assay.figures.svg import Drawing, Plot, Style, padded

#: False positive rates at which ROC curves of several seeds are averaged.
RATES = np.concatenate([np.linspace(0, 0.1, 21), np.linspace(0.125, 1, 36)])

#: Curves in one drawing at most: more cannot be told apart.
MOST = 6


def detectors_of(figures: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Detector -> its figures, the baseline first, over the parts of one trial's evaluation.

    Args:
        figures: `figures.json` of the family `ood`, one for each part.
    """
    found = {name: drawn for part in figures for name, drawn in part.get("detectors", {}).items()}
    return dict(sorted(found.items(), key=lambda one: one[0] != "msp"))


def looks_of(sets: Iterable[str]) -> dict[str, Style]:
    """How each set of images looks, the test images first."""
    names = sorted(dict.fromkeys(sets), key=lambda name: name != "test")
    return {name: Style(number) for number, name in enumerate(names)}


def foremost(seeds: Sequence[Mapping[str, dict[str, Any]]]) -> list[str]:
    """The detectors whose curves are drawn: the first, which is the baseline, then those with the largest areas.

    The area is the mean over sets of outliers, then over the seeds that have any. At most `MOST` are drawn, in the
    order of their areas; of equal ones the earlier stands first.
    """
    areas: dict[str, list[float]] = {}
    for found in seeds:
        for detector, drawn in found.items():
            curves = [float(np.trapezoid(curve["tpr"], curve["fpr"])) for curve in drawn.get("roc", {}).values()]
            if curves:
                areas.setdefault(detector, []).append(float(np.mean(curves)))
    names = list(areas)
    return [*names[:1], *sorted(names[1:], key=lambda one: -float(np.mean(areas[one])))][:MOST]


def roc(
    name: str, against: str, seeds: Sequence[dict[str, dict[str, Any]]], looks: Mapping[str, Style]
) -> Drawing | None:
    """The ROC curve of each detector, mean over seeds, outliers positive; None when no detector has one.

    Args:
        name: whose they are.
        against: the set of outliers.
        seeds: detector to its figures, for each seed.
        looks: detector to its looks.
    """
    plot = Plot((0.0, 1.0), (0.0, 1.0), size=(300, 260), x_label="test images rejected", y_label="outliers rejected")
    plot.diagonal()
    told, legend = [], []
    for detector, style in looks.items():
        curves = [
            found[detector]["roc"][against] for found in seeds if against in found.get(detector, {}).get("roc", {})
        ]
        if not curves:
            continue
        mean = np.mean([_at_rates(curve) for curve in curves], axis=0)
        plot.line([0.0, *RATES.tolist()], [0.0, *mean.tolist()], style)
        told.append(f"{detector} rejects {100 * mean[RATES.searchsorted(0.05)]:.0f}% of outliers at 5% of test images")
        legend.append((detector, style))
    return Drawing(plot, f"ROC of {name} against {against}: {'; '.join(told)}", legend) if told else None


def _at_rates(curve: dict[str, list[float]]) -> np.ndarray:
    """The true positive rate at each of `RATES`; at a rate with several, the highest."""
    fpr, tpr = np.array(curve["fpr"]), np.array(curve["tpr"])
    rates, first = np.unique(fpr[::-1], return_index=True)
    return np.interp(RATES, rates, tpr[::-1][first])


def histogram(name: str, detector: str, drawn: dict[str, Any], looks: Mapping[str, Style]) -> Drawing:
    """The test images' scores as an area, those of each other set as an outline; `looks` is by set."""
    edges = drawn["edges"][::2]
    # Pairs of bins: with few images a set, finer ones show noise.
    shares = {one: np.array(values).reshape(-1, 2).sum(axis=1).tolist() for one, values in drawn["density"].items()}
    highest = max(max(values) for values in shares.values())
    plot = Plot((edges[0], edges[-1]), (0.0, padded([0.0, highest])[1]), x_label="score", y_label="share")
    legend = [(one, looks.get(one, Style(7))) for one in shares]
    for one, style in legend:
        plot.steps(edges, shares[one], style, filled=one == "test")
    return Drawing(plot, f"Scores of {detector} on the sets of {name}, a histogram each", legend)
