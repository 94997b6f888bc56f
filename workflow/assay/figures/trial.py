"""All drawings of one trial, from what its evaluations and trainings left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assay.figures import conformal, confusion, corruption, curves, groups, ood, recall, reliability, selective
from assay.figures.svg import Drawing, Style

#: What names a drawing, from the general to the particular, and the drawing.
Drawings = dict[tuple[str, ...], Drawing]


def drawings(
    name: str,
    evaluations: Mapping[str, Mapping[str, dict[str, Any]]],
    trainings: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Drawings:
    """The drawings of a trial by name, such as `("roc", "glyphs")` or `("curves", "train", "loss")`.

    Args:
        name: how titles call the trial.
        evaluations: family -> part (a detector, say) -> its `figures.json`. Families that draw nothing are passed over.
        trainings: what is trained (`train`, `compress`) -> the lines of its `curves.jsonl`.
    """
    made: Drawings = {}
    for family, parts in evaluations.items():
        if family in FAMILIES:
            made |= FAMILIES[family](name, list(parts.values()))
    for training, lines in trainings.items():
        for key, found in curves.curves_of([lines]).items():
            made["curves", training, key] = curves.each(key, found, f"{training} of {name}")
    return made


def _accuracy(name: str, parts: list[dict[str, Any]]) -> Drawings:
    made: Drawings = {}
    if (taken := confusion.pooled(parts)) is not None:
        made["confusion",] = confusion.matrix(name, taken)
    if (recalls := recall.recalls_of(parts)) is not None:
        made["recall",] = recall.rows({name: recalls}, {name: Style(0)})
    return made


def _calibration(name: str, parts: list[dict[str, Any]]) -> Drawings:
    found = reliability.pooled(parts)
    return {("reliability",): reliability.diagram(name, found, reliability.looks_of(found))} if found else {}


def _ood(name: str, parts: list[dict[str, Any]]) -> Drawings:
    detectors = ood.detectors_of(parts)
    colours = {detector: Style(number) for number, detector in enumerate(ood.foremost([detectors]))}
    looks = ood.looks_of(one for drawn in detectors.values() for one in (*drawn["density"], *drawn["roc"]))
    made: Drawings = {}
    for against in looks:
        if (drawn := ood.roc(name, against, [detectors], colours)) is not None:
            made["roc", against] = drawn
    for detector, found in detectors.items():
        if found["density"]:
            made["scores", detector] = ood.histogram(name, detector, found, looks)
    return made


def _conformal(name: str, parts: list[dict[str, Any]]) -> Drawings:
    """A drawing for each alpha, with a line for each method."""
    methods = {method: drawn for part in parts for method, drawn in part.get("methods", {}).items()}
    looks = {method: Style(number) for number, method in enumerate(methods)}
    made: Drawings = {}
    for alpha in dict.fromkeys(alpha for drawn in methods.values() for alpha in drawn):
        shares = {
            method: share
            for method in methods
            if (share := conformal.shares_of_sizes(parts, method, alpha)) is not None
        }
        if shares:
            made["set-sizes", f"alpha-{alpha}"] = conformal.sizes(name, alpha, shares, looks)
    return made


def _corruption(name: str, parts: list[dict[str, Any]]) -> Drawings:
    lines = corruption.lines_of(parts)
    return {
        ("severity", one): corruption.against_severity(one, {name: [line]}, {name: Style(0)})
        for one, line in lines.items()
    }


def _groups(name: str, parts: list[dict[str, Any]]) -> Drawings:
    found = groups.groups_of(parts)
    return {("groups",): groups.rows({name: found}, {name: Style(0)})} if found else {}


def _selective(name: str, parts: list[dict[str, Any]]) -> Drawings:
    found = selective.curves_of(parts)
    best = found.pop("best", None)
    looks = {rule: Style(number) for number, rule in enumerate(found)}
    return {("risk-coverage",): selective.curve(name, found, looks, best)} if found else {}


#: What each family of evaluations draws, from the `figures.json` of its parts.
FAMILIES: dict[str, Callable[[str, list[dict[str, Any]]], Drawings]] = {
    "accuracy": _accuracy,
    "calibration": _calibration,
    "ood": _ood,
    "conformal": _conformal,
    "corruption": _corruption,
    "groups": _groups,
    "selective": _selective,
}
