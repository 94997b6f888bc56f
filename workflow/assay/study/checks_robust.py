"""What an arm's `robust` goes together with."""

from __future__ import annotations

from assay.study.fields import Entry
from assay.study.problems import Path, Problems
from assay.study.registry import Registry


def check_robust(path: Path, arm: Entry, registry: Registry, problems: Problems) -> None:
    """Note what contradicts the `robust` of an arm, and what it lacks."""
    if not arm["robust"]:
        return
    if arm["distill"]:
        problems.add((*path, "robust"), "expected either `robust` or `distill`: both say what takes the loss's place")
    name = arm["robust"]["method"]
    loss = arm["loss"] and registry.get("loss", arm["loss"]["method"])
    if loss and "features" in loss.reads:
        problems.add(
            (*path, "loss"), f"{loss.name} looks at features, which {name} does not hand to a loss; choose another one"
        )
    card = registry.get("robust", name)
    for key, word in (card.needs if card else {}).items():
        if not arm[key]:
            problems.add((*path, "robust"), f"{name} needs `{key}` too")
        elif word and word != arm[key]["method"] and word not in arm[key]:
            fit = [one for one in registry.names(key) if one == word or word in registry.card(key, one).options]
            expected = " or ".join(f"`{key}: {one}`" for one in fit)
            problems.add((*path, "robust"), f"{name} needs {expected}, not {arm[key]['method']}")
