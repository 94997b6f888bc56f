"""Out-of-distribution detection: AUROC by detector and set, ROC curves and histograms of scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.figures.numbers import MISSING
from assay.figures.ood import MOST, detectors_of, foremost, histogram, looks_of, roc
from assay.figures.svg import Style
from assay.report.compare import columns, comparison, keyed_table, options_of
from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import series_legend
from assay.report.material import Material
from assay.report.page import Section
from assay.report.tables import Head, cell, row_head, table


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
        looks = looks_of(name for found in arms.values() for one in found[0].values() for name in one["density"])
        panels = (
            tag("div", tag("h3", arm), *_panel(material, arm, found, looks), class_="panel", data_name=arm)
            for arm, found in arms.items()
        )
        parts += [
            tag("h3", "ROC curves and scores"),
            note(
                "ROC: mean over seeds, outliers positive; the baseline and the detectors with the largest areas, "
                f"{MOST} at most. Histograms: the first seed, test images as an area; "
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
    seeds = [detectors_of(material.figures(arm, seed, "ood").values()) for seed in material.seeds]
    return [found for found in seeds if found]


def _panel(
    material: Material, arm: str, seeds: list[dict[str, dict[str, Any]]], looks: dict[str, Style]
) -> list[Markup]:
    colours = {name: Style(number) for number, name in enumerate(foremost(seeds))}
    rocs = [
        figure(drawn.draw(), f"against {name}", kind="roc")
        for name in looks
        if (drawn := roc(arm, name, seeds, colours)) is not None
    ]
    histograms = [
        figure(histogram(arm, name, drawn, looks).draw(), name, kind="ood-histogram")
        for name, drawn in seeds[0].items()
        if drawn["density"]
    ]
    return [
        _overview(material, arm, seeds),
        series_legend(list(colours.items())),
        tag("div", *rocs, class_="grid-of"),
        series_legend(list(looks.items())),
        tag("div", *histograms, class_="grid-of"),
    ]


def _overview(material: Material, arm: str, seeds: list[dict[str, dict[str, Any]]]) -> Markup:
    """The AUROC of each detector on each set, mean over seeds, what it ran with and where that comes from."""
    areas: dict[tuple[str, str], list[float]] = {}
    for row in material.metrics.get(("ood", "auroc"), []):
        if row.arm == arm and row.value is not None:
            areas.setdefault((row.keys["detector"], row.keys["set"]), []).append(row.value)
    sets = list(dict.fromkeys(name for _, name in areas))
    rows = []
    for name in seeds[0]:
        drawn = [found[name] for found in seeds if "options" in found.get(name, {})]
        # Tuning may choose otherwise under another seed.
        ran = dict.fromkeys(_written(one["options"]) for one in drawn if one["options"])
        tried = [one["tuning"] for one in drawn if "tuning" in one]
        told = f"tuned on {tried[0]['on']}, {len(tried[0]['points'])} points" if tried else ""
        means = [float(np.mean(areas[name, each])) if (name, each) in areas else None for each in sets]
        rows.append([
            row_head(name),
            *(cell(MISSING if mean is None else f"{mean:.3f}", mean, number=True) for mean in means),
            cell("; ".join(ran), wrap=True),
            cell(told or (_ORIGINS[drawn[0]["chosen"]] if ran else ""), wrap=True),
        ])  # fmt: skip
    heads = [Head("Detector"), *(Head(each, number=True) for each in sets), Head("Options"), Head("Chosen")]
    return table(heads, rows, label=f"AUROC of {arm} by detector and set")


def _written(options: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {'null' if value is None else value}" for name, value in options.items())


#: Where the options of a detector that was not tuned come from.
_ORIGINS = {"default": "defaults, the paper's", "config": "the config"}
