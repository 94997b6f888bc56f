"""Trivial baselines that come along by themselves: beside every curated dataset one curated at random, and its arms."""

from __future__ import annotations

import copy
from typing import Any

Entry = dict[str, Any]

#: What is put behind a name.
SUFFIX = "-random"


def add_random_datasets(study: Entry) -> None:
    """For each curated dataset `c` add `c-random`: as many images of what it comes from, at random.

    One that the study declares by that name stays. Where chance alone curates, nothing is added.
    """
    datasets = study["datasets"]
    for name, dataset in list(datasets.items()):
        chosen = [entry for entry in dataset["curate"] if entry["method"] != "random"]
        twin = name + SUFFIX
        if not chosen or twin in datasets or dataset["from"] not in datasets:
            continue
        curate = [{"method": "random", "keep": None, "arm": None, "encoder": None, "as-many-as": name}]
        plain = {**copy.deepcopy(dataset), "curate": curate}
        datasets[twin] = plain


def add_random_arms(study: Entry, groups: dict[str, list[str]]) -> None:
    """For each arm on a curated dataset add one on its random twin; a point of a sweep gets a point of its own.

    Arms that train nothing here, and those that the study declares by that name, are left alone.
    """
    arms = study["arms"]
    for name, arm in list(arms.items()):
        dataset = arm["dataset"] + SUFFIX
        if not is_twin(study, dataset) or arm["predictions"] or arm["weights"]:
            continue
        swept, bracket, point = name.partition("[")
        twin = swept + SUFFIX + bracket + point
        if twin in arms:
            continue
        arms[twin] = {**copy.deepcopy(arm), "dataset": dataset}
        if swept in groups and name in groups[swept]:
            groups.setdefault(swept + SUFFIX, []).append(twin)


def is_twin(study: Entry, name: str) -> bool:
    """Whether a dataset is as many images at random as the one whose name it carries has."""
    dataset = study["datasets"].get(name)
    return bool(dataset) and any(entry.get("as-many-as") == name.removesuffix(SUFFIX) for entry in dataset["curate"])
