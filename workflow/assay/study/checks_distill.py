"""What an arm's `distill` goes together with, by what its method reads (see `assay.distill.contract`)."""

from __future__ import annotations

from typing import Any

from assay.study.circles import circle, made_from
from assay.study.fields import Entry
from assay.study.problems import Path, Problems
from assay.study.registry import Registry


def check_distill(path: Path, arm: Entry, registry: Registry, problems: Problems) -> None:
    """Note what contradicts the `distill` of an arm, and what it lacks."""
    entry = arm["distill"]
    card = entry and registry.get("distill", entry["method"])
    if not card:
        return
    name, place = card.name, (*path, "distill")
    alone = "itself" in card.reads
    if alone and entry["teacher"]:
        problems.add((*place, "teacher"), f"{name} needs no teacher, its networks teach themselves; leave it out")
    elif alone and entry["repeat"]:
        problems.add(
            (*place, "repeat"), f"{name} has no teacher, whose place the next generation would take; leave it out"
        )
    elif not alone and not entry["teacher"]:
        problems.add(place, f"expected the key `teacher`: {name} learns from an arm")
    if entry["teacher"] and entry["teacher"]["seed"] == "all" and "head" in card.reads:
        problems.add((*place, "teacher"), f"{name} takes over one teacher's head; expected a `seed` other than `all`")
    if entry["teacher"] and entry["teacher"]["untrained"]:
        for key, off in (("seed", "same"), ("assistants", [])):
            if entry["teacher"][key] != off:
                problems.add((*place, "teacher", key), f"a teacher that is `untrained` has no `{key}`; leave one out")
    if entry["teacher"] and entry["teacher"]["assistants"] and entry["teacher"]["seed"] == "all":
        problems.add((*place, "teacher", "seed"), "one assistant teaches; expected a `seed` other than `all`")
    if arm["compile"] and {"maps", "layers"} & set(card.reads):
        problems.add((*path, "compile"), f"{name} looks at feature maps, which a compiled network does not show")
    if entry["images"] == "labelled":
        return
    if "labels" in card.reads:
        problems.add((*place, "images"), f"{name} needs each image's label; expected `labelled`")
    for key in ("rebalance", "synthetic"):
        if arm[key] and (key == "rebalance" or entry["images"] == "unlabelled"):
            problems.add((*path, key), f"`{key}` goes by labels, and the arm learns from images without; leave one out")


def check_assistants(study: dict[str, Any], registry: Registry, problems: Problems) -> None:
    """Note what contradicts the arms of which one is to teach."""
    arms = study["arms"]
    links = made_from(study, registry)
    for name, arm in arms.items():
        teacher = (arm["distill"] or {}).get("teacher") or {}
        for number, other in enumerate(teacher.get("assistants", [])):
            place: Path = ("arms", name, "distill", "teacher", "assistants", number)
            if other not in arms:
                problems.unknown(place, "arm", other, arms)
            elif other == teacher["arm"] or other in teacher["assistants"][:number]:
                problems.add(place, f"{other} is named twice; expected further arms")
            elif arms[other]["predictions"] is not None:
                problems.add(place, f"{other} has predictions alone, no model that could teach")
            elif arms[other]["dataset"] != arms.get(teacher["arm"], arm)["dataset"]:
                problems.add(place, f"{other} learns from {arms[other]['dataset']}; expected the teacher's dataset")
            elif found := circle(links, f"arm {other}"):
                problems.add(place, f"`distill` goes round in a circle: {' -> '.join([*found, f'arm {other}'])}")
