"""`scale: smoke`: every arm for a minute, to see that it runs before days are spent on it."""

from __future__ import annotations

from typing import Any

#: The one rule: an option with one of these names, or whose name ends with `-` and one of them, is at most this.
CAPS: dict[str, int] = {"epochs": 2, "steps": 20}
#: How many images of a train split, replicates and tuning trials are left.
IMAGES, SEEDS, TRIALS = 1024, 2, 2


def shrink(study: dict[str, Any]) -> None:
    """Cut a resolved study down, in place."""
    study["seeds"] = study["seeds"][:SEEDS]
    study["looks"] = None
    for section in ("generators", "encoders", "arms"):
        _cap(study[section])
    for dataset in study["datasets"].values():
        _cap(dataset["curate"])
        for entry in dataset["curate"]:
            if (entry.get("keep") or 0) > 1:
                entry["keep"] = 0.5  # of images that may not be there
    for arm in study["arms"].values():
        if arm["search"]:
            arm["search"]["trials"] = min(arm["search"]["trials"], TRIALS)
            arm["search"]["points"] = arm["search"]["points"][:TRIALS]
    _cap_images(study)


def _cap(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _cap(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            word = key.rpartition(".")[2].rpartition("-")[2]  # a search names an option by a dotted path
            if word in CAPS and isinstance(item, int):
                value[key] = min(item, CAPS[word])
            else:
                _cap(item)


def _cap_images(study: dict[str, Any]) -> None:
    """Cut the train split where images enter; what comes from there is smaller already."""
    for section in ("arms", "generators", "encoders"):
        for use in study[section].values():
            name = use["dataset"]
            while study["datasets"][name]["from"]:
                study["datasets"][name]["subset"] = None
                name = study["datasets"][name]["from"]
            root = study["datasets"][name]
            root["subset"] = min(root["subset"] or IMAGES, IMAGES)
