"""What an arm's `mup` says, checked against the arm."""

from __future__ import annotations

from assay.study.fields import Entry, shown
from assay.study.problems import Path, Problems
from assay.study.registry import Registry

#: Options by which models are made wider, of which a model has one or none.
WIDTHS = ("width", "hidden")


def mup(base: int, arm: Entry, registry: Registry, path: Path, problems: Problems) -> Entry | None:
    """`{"option", "base-width"}`: which option of the model is scaled; None where its width cannot be.

    Args:
        base: what the config says.
        arm: the arm, resolved but for this and its search.
        registry: tells of its model and recipe.
        path: where its `mup` stands.
        problems: where faults go.
    """
    for key in ("weights", "predictions"):
        if arm[key]:
            problems.add(path, f"an arm with `{key}` trains nothing; leave `mup` out")
    if {"encoder", "weights"} & set(arm["init"] or {}):
        problems.add(path, "mup scales random weights, and those of this arm come from elsewhere (`init`)")
    if arm["trainable"] and arm["trainable"]["method"] != "all":
        problems.add(path, f"mup is about training all of a model, not {arm['trainable']['method']}")
    recipe = registry.get("recipe", arm["recipe"]["method"])
    if recipe and not recipe.optimiser:
        fit = [name for name in registry.names("recipe") if registry.card("recipe", name).optimiser]
        problems.add(path, f"mup is known for SGD and Adam, not for {recipe.name}; take one of {', '.join(fit)}")
    model = registry.get("model", arm["model"]["method"]) if arm["model"] else None
    if model is None:
        return None
    option = next((name for name in WIDTHS if name in model.options), None)
    if option is None:
        fit = [each for each in registry.names("model") if set(WIDTHS) & set(registry.card("model", each).options)]
        problems.add(path, f"{model.name} has no width to scale; of the models, {', '.join(fit)} have one")
        return None
    if not model.options[option].accepts(base):
        expected = f"{model.options[option].expected()}, as its option `{option}`"
        problems.add((*path, "base-width"), f"expected {expected}, found {shown(base)}")
    return {"option": option, "base-width": base}
