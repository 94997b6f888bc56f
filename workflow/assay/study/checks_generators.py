"""What the `teacher` of a generator must be."""

from __future__ import annotations

from typing import Any

from assay.study.circles import circle, made_from
from assay.study.fields import Entry
from assay.study.problems import Path, Problems
from assay.study.registry import Card, Registry


def check_generators(study: dict[str, Any], registry: Registry, problems: Problems) -> None:
    """Note each generator that lacks a teacher, has one and takes none, or has one that does not fit."""
    for name, made in study["generators"].items():
        card = made["method"] and registry.get("generator", made["method"]["method"])
        if card is None:
            continue
        path: Path = ("generators", name)
        if made["teacher"] is None:
            if card.teachers:
                problems.add(path, f"{card.name} needs a `teacher`, a generator of this study by {_methods(card)}")
        elif not card.teachers:
            problems.add((*path, "teacher"), f"{card.name} learns from images alone; leave `teacher` out")
        else:
            _teacher((*path, "teacher"), name, card, study, registry, problems)


def _teacher(path: Path, name: str, card: Card, study: dict[str, Any], registry: Registry, problems: Problems) -> None:
    generators = study["generators"]
    own, known = generators[name], generators[name]["teacher"]
    if known not in generators:
        problems.unknown(path, "generator", known, [each for each in generators if each != name])
        return
    start = f"generator {name}"
    found = circle(made_from(study, registry), start)
    if found:
        problems.add(path, f"`teacher` goes round in a circle: {' -> '.join([*found, start])}")
        return
    teacher = generators[known]
    method = (teacher["method"] or {}).get("method")
    if method not in card.teachers:
        problems.add(path, f"{known} is made by {method}; expected one made by {_methods(card)}", _fitting(card, study))
        return
    for option, value in card.teachers[method].items():
        if teacher["method"].get(option) != value:
            told = f"{known} has `{option}: {teacher['method'].get(option)}`"
            problems.add(path, f"{told}; {card.name} needs a teacher with `{option}: {value}`", _fitting(card, study))
    if teacher["dataset"] != own["dataset"]:
        problems.add((*path[:-1], "dataset"), f"expected {teacher['dataset']!r}, which the teacher {known} learnt from")


def _fitting(card: Card, study: dict[str, Any]) -> str | None:
    """The first generator by name that the method of `card` could learn from."""
    fit = [name for name, made in study["generators"].items() if _fits(card, made["method"] or {})]
    return min(fit, default=None)


def _fits(card: Card, entry: Entry) -> bool:
    needs = card.teachers.get(entry.get("method", ""))
    return needs is not None and all(entry.get(option) == value for option, value in needs.items())


def _methods(card: Card) -> str:
    return " or ".join(card.teachers)
