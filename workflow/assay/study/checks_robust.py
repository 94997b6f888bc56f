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
