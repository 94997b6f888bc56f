"""Out-of-distribution detection: AUROC by detector and set, ROC curves and histograms of scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.report.compare import columns, comparison, keyed_table, options_of
from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import series_legend
from assay.report.material import Material
from assay.report.page import Section
from assay.report.svg import Plot, Style, padded

#: False positive rates at which ROC curves of several seeds are averaged.
RATES = np.concatenate([np.linspace(0, 0.1, 21), np.linspace(0.125, 1, 36)])


def section(material: Material) -> Section | None:
    """Tables, then the figures of one arm at a time."""
    arms = {arm: found for arm in material.arms if (found := _figures(material, arm))}
    shown = columns(material, "ood")
    if not arms and not shown:
        return None
    parts: list[Any] = [
        note("How well scores tell test images from those of other sets.", _groups(material)),
        comparison(material, shown, "Detection by arm") if shown else None,
        tag("h3", "AUROC by detector and set"),
        tag("div", *_tables(material), class_="picked", data_label="Detector"),
    ]
    if arms:
        sets = dict.fromkeys(name for found in arms.values() for one in found[0].values() for name in one["density"])
        looks = {name: Style(number) for number, name in enumerate(sorted(sets, key=lambda name: name != "test"))}
        panels = (
            tag("div", tag("h3", arm), *_panel(arm, found, looks), class_="panel", data_name=arm)
            for arm, found in arms.items()
        )
        parts += [
            tag("h3", "ROC curves and scores"),
            note(
                "ROC: mean over seeds, outliers positive. Histograms: the first seed, test images as an area; "
                "a higher score looks more out-of-distribution."
            ),
            tag("div", *panels, class_="picked", data_label="Arm"),
        ]
    return Section("ood", "Out-of-distribution detection", join(parts), short="OOD detection")


def _groups(material: Material) -> str:
    options = material.study["evaluate"].get("ood") or {}
    named = [f"{group} means {', '.join(options[group])}" for group in ("near", "far") if options.get(group)]
    return f" Here {' and '.join(named)}; of several sets it is the unweighted mean." if named else ""


def _tables(material: Material) -> list[Markup]:
    """The AUROC by set, a panel for each detector."""
    return [
        tag(
            "div", tag("h3", detector), keyed_table(material, "ood", "auroc", "set", detector=detector),
            class_="panel", data_name=detector,
        )
        for detector in options_of(material, "ood", "auroc", "detector")
    ]  # fmt: skip


def _figures(material: Material, arm: str) -> list[dict[str, dict[str, Any]]]:
    """For each seed that has any: detector -> its figures, over the parts of the evaluation."""
    seeds = []
    for seed in material.seeds:
        parts = material.figures(arm, seed, "ood").values()
        found = {name: drawn for part in parts for name, drawn in part.get("detectors", {}).items()}
        if found:
            seeds.append(dict(sorted(found.items(), key=lambda one: one[0] != "msp")))
    return seeds


def _panel(arm: str, seeds: list[dict[str, dict[str, Any]]], looks: dict[str, Style]) -> list[Markup]:
    colours = {name: Style(number) for number, name in enumerate(seeds[0])}
    rocs = [roc for name in looks if (roc := _roc(arm, name, seeds, colours)) is not None]
    histograms = [_histogram(arm, name, drawn, looks) for name, drawn in seeds[0].items() if drawn["density"]]
    return [
        series_legend(list(colours.items())),
        tag("div", *rocs, class_="grid-of"),
        series_legend(list(looks.items())),
        tag("div", *histograms, class_="grid-of"),
    ]


def _roc(arm: str, name: str, seeds: list[dict[str, Any]], colours: dict[str, Style]) -> Markup | None:
    plot = Plot((0.0, 1.0), (0.0, 1.0), size=(300, 260), x_label="test images rejected", y_label="outliers rejected")
    plot.diagonal()
    told = []
    for detector, style in colours.items():
        curves = [found[detector]["roc"][name] for found in seeds if name in found.get(detector, {}).get("roc", {})]
        if not curves:
            continue
        mean = np.mean([_at_rates(curve) for curve in curves], axis=0)
        plot.line([0.0, *RATES.tolist()], [0.0, *mean.tolist()], style)
        told.append(f"{detector} rejects {100 * mean[RATES.searchsorted(0.05)]:.0f}% of outliers at 5% of test images")
    if not told:
        return None
    return figure(plot.draw(f"ROC of {arm} against {name}: {'; '.join(told)}"), f"against {name}", kind="roc")


def _at_rates(curve: dict[str, list[float]]) -> np.ndarray:
    """The true positive rate at each of `RATES`; at a rate with several, the highest."""
    fpr, tpr = np.array(curve["fpr"]), np.array(curve["tpr"])
    rates, first = np.unique(fpr[::-1], return_index=True)
    return np.interp(RATES, rates, tpr[::-1][first])


def _histogram(arm: str, detector: str, drawn: dict[str, Any], looks: dict[str, Style]) -> Markup:
    """The test images' scores as an area, those of each other set as an outline."""
    edges = drawn["edges"][::2]
    # Pairs of bins: with few images a set, finer ones show noise.
    shares = {name: np.array(values).reshape(-1, 2).sum(axis=1).tolist() for name, values in drawn["density"].items()}
    highest = max(max(values) for values in shares.values())
    plot = Plot((edges[0], edges[-1]), (0.0, padded([0.0, highest])[1]), x_label="score", y_label="share")
    for name, values in shares.items():
        plot.steps(edges, values, looks.get(name, Style(7)), filled=name == "test")
    return figure(
        plot.draw(f"Scores of {detector} on the sets of {arm}, a histogram each"), detector, kind="ood-histogram"
    )
