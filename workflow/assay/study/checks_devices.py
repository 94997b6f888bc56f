"""Whether the devices that an arm asks for can do its training, as far as its config tells."""

from __future__ import annotations

from typing import Any

from assay.study.problems import Path, Problems
from assay.study.registry import Registry

#: The distillations whose loss is a mean over images, as a test has made sure: what devices find adds up. Others
#: compare the images of a batch, or remember them.
DISTILLED = ("born-again", "dkd", "dkpp", "kd", "logit-standardisation", "teacher-labels", "wsld")


def shareable(
    path: Path, arm: dict[str, Any], resources: dict[str, Any], registry: Registry, problems: Problems
) -> None:
    """Note what speaks against an arm's `devices`.

    Args:
        path: of the arm.
        arm: resolved.
        resources: of the study, by stage.
        registry: knows which losses look at features.
        problems: what is found goes here.
    """
    devices = arm["devices"]
    if devices == 1:
        return
    place = (*path, "devices")
    allowed = resources.get("train", {}).get("gpus")
    if isinstance(allowed, int) and 0 < allowed < devices:
        problems.add(
            place, f"expected at most {allowed}, the gpus that `resources.train` gives a training, found {devices}"
        )
    for key in ("weights", "predictions"):
        if arm[key] is not None:
            problems.add(place, f"an arm with `{key}` trains nothing; leave `devices` out")
    if arm["robust"]:
        problems.add(
            place, f"{arm['robust']['method']} remembers each image, which one device has to see; leave `devices` out"
        )
    if arm["distill"] and arm["distill"]["method"] not in DISTILLED:
        problems.add(
            place,
            f"{arm['distill']['method']} compares images of a whole batch or trains parts of its own; leave `devices` "
            f"out, or distil by one of {', '.join(DISTILLED)}",
        )
    card = registry.get("loss", arm["loss"]["method"]) if arm["loss"] else None
    if card and "features" in card.reads:
        problems.add(place, f"{card.name} compares features of a whole batch; leave `devices` out")
    if arm["together"]:
        problems.add(place, "`together` puts all seeds on one device; leave one of the two out")
    if arm["compile"]:
        problems.add(place, "compiled layers cannot wait for other devices; leave `devices` or `compile` out")
    recipe = arm["recipe"] or {}
    parts = recipe.get("accumulate", 1)
    if recipe.get("batch", devices * parts) < devices * parts:
        message = f"{devices} devices cannot share a batch of {recipe['batch']} images"
        problems.add(place, message + (f" in {parts} parts (`accumulate`)" if parts > 1 else ""))


def graphed(path: Path, arm: dict[str, Any], resources: dict[str, Any], problems: Problems) -> None:
    """Note what speaks against recording an arm's training as CUDA graphs; the arguments are those of `shareable`."""
    if arm["compile"] != "cuda-graphs":
        return
    place = (*path, "compile")
    if resources.get("train", {}).get("gpus") == 0:
        problems.add(place, "cuda-graphs needs a GPU, and `resources.train` gives a training none (`gpus: 0`)")
    if (arm["recipe"] or {}).get("accumulate", 1) > 1:
        problems.add(
            place, "a graph that is replayed writes over the gradients that `accumulate` adds to; leave one of them out"
        )
