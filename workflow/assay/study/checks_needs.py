"""What a method of an arm needs beside it."""

from __future__ import annotations

from assay.study.fields import Entry
from assay.study.problems import Path, Problems
from assay.study.registry import Registry


def check_needs(path: Path, arm: Entry, registry: Registry, problems: Problems) -> None:
    """Note what the `robust` and the `loss` of an arm lack (see `Card.needs`)."""
    for kind in ("robust", "loss"):
        card = registry.get(kind, arm[kind]["method"]) if arm[kind] else None
        if card is None:
            continue
        for key, word in card.needs.items():
            entries = arm[key] if isinstance(arm[key], list) else [arm[key]] if arm[key] else []
            if not entries and not word:
                problems.add((*path, kind), f"{card.name} needs `{key}` too")
            elif word and not any(word == entry["method"] or word in entry for entry in entries):
                fit = [one for one in registry.names(key) if one == word or word in registry.card(key, one).options]
                shown = [f"`{key}: [{one}]`" if isinstance(arm[key], list) else f"`{key}: {one}`" for one in fit]
                found = ", ".join(entry["method"] for entry in entries)
                problems.add(
                    (*path, kind), f"{card.name} needs {' or '.join(shown)}" + (f", not {found}" if found else "")
                )
