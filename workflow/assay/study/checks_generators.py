"""What a generator can be asked for, and what its `teacher` must be."""

from __future__ import annotations

from typing import Any

from assay.study.circles import circle, made_from
from assay.study.fields import Entry
from assay.study.problems import Path, Problems
from assay.study.registry import Card, Registry


def check_generators(study: dict[str, Any], registry: Registry, problems: Problems) -> None:
    """Note each generator that is asked for what it cannot do, lacks a teacher, or has one that does not fit."""
    for name, made in study["generators"].items():
        card = made["method"] and registry.get("generator", made["method"]["method"])
        if card is None:
            continue
        path: Path = ("generators", name)
        _asked(path, made, card, problems)
        if made["teacher"] is None:
            if card.teachers:
                problems.add(path, f"{card.name} needs a `teacher`, a generator of this study by {_methods(card)}")
        elif not card.teachers:
            problems.add((*path, "teacher"), f"{card.name} learns from images alone; leave `teacher` out")
        else:
            _teacher((*path, "teacher"), name, card, study, registry, problems)


def _asked(path: Path, generator: Entry, card: Card, problems: Problems) -> None:
    if generator["halves"] and card.teachers:
        problems.add((*path, "halves"), f"the teacher of {card.name} saw both halves; leave `halves` out")
    elif generator["halves"] and not card.sampler:
        problems.add((*path, "halves"), f"only a diffusion model makes an image of a noise; {card.name} is none")
    for key, what in (("unbiased", "what is unbiased"), ("encoder", "features")):
        if generator[key] and "ratio-steps" not in card.options:
            problems.add((*path, key), f"ddpm and edm can be told {what}; {card.name} can not")
    if generator["unbiased"] and generator["encoder"]:
        problems.add((*path, "encoder"), "`unbiased` weighs images by their class, and features stand in place of it")


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
    if teacher["encoder"]:
        told = f"{known} is told features in place of classes, and {card.name} is told classes"
        problems.add(path, f"{told}; choose a teacher without `encoder`", _fitting(card, study))
    if teacher["dataset"] != own["dataset"]:
        problems.add((*path[:-1], "dataset"), f"expected {teacher['dataset']!r}, which the teacher {known} learnt from")


def _fitting(card: Card, study: dict[str, Any]) -> str | None:
    """The first generator by name that the method of `card` could learn from."""
    fit = [name for name, made in study["generators"].items() if _fits(card, made)]
    return min(fit, default=None)


def _fits(card: Card, made: Entry) -> bool:
    entry = made["method"] or {}
    needs = card.teachers.get(entry.get("method", ""))
    return (
        needs is not None and not made["encoder"] and all(entry.get(option) == value for option, value in needs.items())
    )


def _methods(card: Card) -> str:
    return " or ".join(card.teachers)
