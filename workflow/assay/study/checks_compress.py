"""What an arm's `sparse` and `compress` go together with."""

from __future__ import annotations

from typing import Any

from assay.study.circles import averaged, circle, made_from
from assay.study.fields import Entry
from assay.study.problems import Path, Problems
from assay.study.registry import Registry

#: What of a training a method does not do over that trains anew by recipe, loss and augmentation.
_NOT_DONE_OVER = ("synthetic", "distill", "robust", "dropout", "sparse", "mup")


def spell_out(study: dict[str, Any], groups: dict[str, list[str]], registry: Registry) -> None:
    """Put the points of a sweep in the place of its name where the models of arms are asked for."""
    for arm in study["arms"].values():
        teacher = (arm["distill"] or {}).get("teacher") or {"assistants": []}
        teacher["assistants"] = [one for name in teacher["assistants"] for one in groups.get(name, [name])]
        for entry in arm["compress"]:
            card = registry.get("compress", entry["method"])
            if card and "models" in card.reads:
                entry["arms"] = [one for name in entry["arms"] for one in groups.get(name, [name])]


def check_compress(study: dict[str, Any], registry: Registry, problems: Problems) -> None:
    """Note what contradicts the `sparse` and `compress` of the arms, and what they lack."""
    for name, arm in study["arms"].items():
        path: Path = ("arms", name)
        if arm["sparse"]:
            _sparse(path, arm, registry, problems)
        for number, entry in enumerate(arm["compress"]):
            card = registry.get("compress", entry["method"])
            reads = card.reads if card else []
            place = (*path, "compress", number)
            if "start" in reads and arm["weights"]:
                message = (
                    f"{entry['method']} needs what the training started from, and these weights were made elsewhere"
                )
                problems.add(place, message)
            if "training" in reads:
                _done_over(place, arm, entry, problems)
            if "models" in reads:
                _models(place, study, name, entry, problems)
    links = made_from(study, registry)
    for name, arm in study["arms"].items():
        found = circle(links, f"arm {name}")
        if found and len(found) > 1 and averaged(arm, registry):
            words = " -> ".join([*found, f"arm {name}"])
            problems.add(("arms", name, "compress"), f"`compress` goes round in a circle: {words}")
            return


def _sparse(path: Path, arm: Entry, registry: Registry, problems: Problems) -> None:
    lesson = arm["distill"] and registry.get("distill", arm["distill"]["method"])
    if lesson and "head" in lesson.reads:
        problems.add((*path, "sparse"), f"{lesson.name} takes over its teacher's head, which is not sparse")
    if arm["robust"]:
        message = "expected either `sparse` or `robust`, which may mix weights of networks that are not sparse alike"
        problems.add((*path, "sparse"), message)
    if arm["trainable"] and arm["trainable"]["method"] != "all":
        message = f"expected either `sparse` or `trainable: {arm['trainable']['method']}`, which trains a part alone"
        problems.add((*path, "sparse"), message)


def _done_over(place: Path, arm: Entry, entry: Entry, problems: Problems) -> None:
    parts = [key for key in _NOT_DONE_OVER if arm[key]]
    parts += ["trainable"] if arm["trainable"] and arm["trainable"]["method"] != "all" else []
    if parts:
        message = f"{entry['method']} trains anew by recipe, loss and augment alone; leave `{parts[0]}` out"
        problems.add(place, message)


def _models(place: Path, study: dict[str, Any], name: str, entry: Entry, problems: Problems) -> None:
    arms, arm = study["arms"], study["arms"][name]
    if not entry["arms"] and not entry["further"]:
        problems.add(place, f"{entry['method']} needs further models: name `arms`, or say how many `further` ones")
    if entry["further"] and (arm["adjust"] or place[-1] != 0 or arm["weights"]):
        message = "`further` models are as training leaves them, so nothing may come between; name `arms` instead"
        problems.add((*place, "further"), message)
    for number, other in enumerate(entry["arms"]):
        _other((*place, "arms", number), arms, name, other, problems)


def _other(at: Path, arms: dict[str, Any], name: str, other: str, problems: Problems) -> None:
    arm = arms[name]
    if other not in arms:
        problems.unknown(at, "arm", other, arms)
    elif other == name:
        problems.add(at, f"{name} is averaged in any case; name other arms")
    elif arms[other]["model"] != arm["model"] or arms[other]["predictions"] is not None:
        problems.add(at, f"{other} has another model than {name}, so their weights have no mean")
    elif arms[other]["dataset"] != arm["dataset"]:
        message = f"{other} learns from {arms[other]['dataset']}, {name} from {arm['dataset']}; expected the same"
        problems.add(at, message)
