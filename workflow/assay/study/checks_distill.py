"""What an arm's `distill` goes together with, by what its method reads (see `assay.distill.contract`)."""

from __future__ import annotations

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
    if arm["compile"] and "maps" in card.reads:
        problems.add((*path, "compile"), f"{name} looks at feature maps, which a compiled network does not show")
    if entry["images"] == "labelled":
        return
    if "labels" in card.reads:
        problems.add((*place, "images"), f"{name} needs each image's label; expected `labelled`")
    for key in ("rebalance", "synthetic"):
        if arm[key] and (key == "rebalance" or entry["images"] == "unlabelled"):
            problems.add((*path, key), f"`{key}` goes by labels, and the arm learns from images without; leave one out")
