"""What an arm's `synthetic` goes together with."""

from __future__ import annotations

from typing import Any

from assay.study.circles import circle, made_from
from assay.study.fields import Entry
from assay.study.problems import Path, Problems
from assay.study.registry import Registry

#: Figures of a gate that only a network's features give.
_JUDGED = ("fid", "kid")


def check_synthetic(path: Path, arm: Entry, study: dict[str, Any], registry: Registry, problems: Problems) -> None:
    """Note what contradicts the `synthetic` of an arm, and what it lacks; `path` is that of the section."""
    use = arm["synthetic"]
    _sampler((*path, "sampler"), use, study, registry, problems)
    generator = study["generators"].get(use["generator"])
    if generator and not generator["halves"] and "halves" in (use["gate"] or {}):
        problems.add((*path, "gate", "halves"), f"the generator {use['generator']} needs `halves: true`")
    _whole(path, use, study, problems)
    _judge(path, use, study, registry, problems)
    if not use["judge"]:
        card = use["filter"] and registry.get("filter", use["filter"]["method"])
        wanted = [f"the filter {card.name}"] if card and "judge" in card.reads else []
        wanted += ["soft labels"] if use["labels"] == "soft" else []
        wanted += [f"the figure {name}" for name in _JUDGED if name in (use["gate"] or {})]
        for what in wanted:
            verb = "need" if what.endswith("s") else "needs"
            problems.add(path, f"{what} {verb} a `judge`, an arm of this study")
    if arm["robust"] and use["labels"] == "soft":
        problems.add((*path, "labels"), f"{arm['robust']['method']} corrects labels itself; expected `hard` ones")
    if use["mix"] == "pretrain-then-real":
        for key in ("robust", "distill", "mup"):
            if arm[key]:
                problems.add((*path, "mix"), f"`{key}` trains once, on one set of images; choose another `mix`")
        if arm["devices"] > 1 or arm["together"]:
            key = "together" if arm["together"] else "devices"
            problems.add((*path, "mix"), f"`{key}` shares one training, and this mix takes two; choose another `mix`")


def _sampler(path: Path, use: Entry, study: dict[str, Any], registry: Registry, problems: Problems) -> None:
    generator = study["generators"].get(use["generator"])
    card = generator and generator["method"] and registry.get("generator", generator["method"]["method"])
    known = use["sampler"] and registry.get("sampler", use["sampler"]["method"])
    if known and card and not card.sampler:
        problems.add(path, f"{card.name} makes images in one way alone; leave `sampler` out")
    elif known and card and known.network != card.network:
        told = f"{known.name} samples a {known.network}, and the network of {card.name} is a {card.network}"
        problems.add(path, told, card.sampler)


def _whole(path: Path, use: Entry, study: dict[str, Any], problems: Problems) -> None:
    """A generator with an option `per-class` learns that many images as one set, which is used as a whole."""
    generator = study["generators"].get(use["generator"])
    made = generator and generator["method"] and generator["method"].get("per-class")
    if not made:
        return
    if use["per-class"] != made:
        place = (*path, "per-class") if use["per-class"] else path
        problems.add(place, f"{use['generator']} learns {made} images of each class; expected `per-class: {made}`")
    if use["filter"]:
        problems.add((*path, "filter"), f"the images of {use['generator']} are one set; leave `filter` out")


def _judge(path: Path, use: Entry, study: dict[str, Any], registry: Registry, problems: Problems) -> None:
    judge = use["judge"]
    if judge is None:
        return
    if judge not in study["arms"]:
        problems.unknown((*path, "judge"), "arm", judge, study["arms"])
    elif study["arms"][judge]["predictions"] is not None:
        problems.add((*path, "judge"), f"{judge} has predictions alone, no model that could look at images")
    else:
        start = f"arm {judge}"
        found = circle(made_from(study, registry), start)
        if found:
            words = " -> ".join([*found, start])
            problems.add((*path, "judge"), f"`judge` goes round in a circle: {words}")
