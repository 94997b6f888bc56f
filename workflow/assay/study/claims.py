"""Claims read and checked: every arm, metric, key and value in them is one that the study computes."""

from __future__ import annotations

from typing import Any

from assay.claims.floor import fewest
from assay.claims.language import parse
from assay.claims.reader import ClaimError
from assay.claims.tree import completed, leaves
from assay.study.claims_leaf import Leaf, Scope
from assay.study.claims_spelt import Speller, UnclearError
from assay.study.model import Study
from assay.study.problems import Path, Problems
from assay.study.registry import Registry


def resolve_claims(
    resolved: dict[str, Any], study: Study, registry: Registry, groups: dict[str, list[str]], problems: Problems
) -> list[dict[str, Any]]:
    """The claims of a study, each with its tree, in which arms and keys are spelt out; faults go to `problems`."""
    made = []
    scope = Scope(resolved, registry, groups)
    defaults = {name: metric.defaults for name, (_, metric) in scope.metrics.items()}
    for number, claim in enumerate(study.claims):
        path: Path = ("claims", number, "expect")
        try:
            tree = Speller(scope).spelt(parse(claim.expect))
        except ClaimError as error:
            problems.add(path, f"{error.message} (column {error.column})")
            continue
        except UnclearError as error:
            problems.add(path, str(error), error.near)
            continue
        seen: list[dict[str, Any]] = []
        for leaf in leaves(tree):
            if leaf not in seen:
                seen.append(leaf)
                Leaf(leaf, path, scope, problems).check()
        tree = completed(tree, defaults)
        if tree.get("left") == tree.get("right") and "left" in tree:
            problems.add(path, "both sides are the same, so nothing is claimed")
        made.append({**claim.model_dump(), "tree": tree})
    return made


def too_few(study: dict[str, Any]) -> str | None:
    """What is wrong with the number of seeds for the claims, in a sentence; None when each could be decided.

    Claims over counts alone would need no seeds, but are not told apart here.
    """
    seeds, looks = len(study["seeds"]), study["looks"]
    primary = sum(claim["primary"] for claim in study["claims"])
    needed = 0
    for claim in study["claims"]:
        alpha = claim["alpha"]
        if looks:
            from assay.claims.looks import level

            alpha = level(alpha, looks, seeds)
        needed = max(needed, fewest(alpha, primary if claim["primary"] else 1))
    if seeds >= needed:
        return None
    return (
        f"{seeds} seeds cannot decide every claim of this study, whatever comes out: {needed} can "
        f"({primary} primary claims are corrected together; docs/claims.md)"
    )
