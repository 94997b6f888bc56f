"""What is known of a dataset's declaration without its images: what draws at random, which files it reads."""

from __future__ import annotations

from typing import Any

Entry = dict[str, Any]

#: The keys of a dataset that name a method, each with the kind of it.
KINDS_OF_DATA = ("source", "imbalance", "confounder", "shift", "label-noise", "poison")
#: Methods that draw nothing, so that every seed gives the same.
FIXED = (("label-noise", "from-file"),)


def draws_alteration(dataset: Entry) -> bool:
    """Whether a dataset alters its images or labels at random, so that stream `alteration` reaches it."""
    named = [kind for kind in KINDS_OF_DATA if kind != "source" and dataset[kind]]
    drawn = [kind for kind in named if (kind, dataset[kind]["method"]) not in FIXED]
    return bool(drawn or dataset["subset"] or dataset["labels"] or dataset["curate"] or dataset["copies"])


def varied(dataset: Entry, vary: list[str]) -> bool:
    """Whether what a dataset itself does differs by seed."""
    return bool(("split" in vary and dataset["split"]) or ("alteration" in vary and draws_alteration(dataset)))


def files_of(dataset: Entry) -> dict[str, str]:
    """The files outside the config that a dataset reads: key of the config -> path."""
    found = {kind: dataset[kind].get("path") for kind in KINDS_OF_DATA if dataset[kind]}
    found["groups"] = (dataset["groups"] or {}).get("path")
    return {key: path for key, path in found.items() if isinstance(path, str)}


def reshapes(dataset: Entry) -> bool:
    """Whether the images of a dataset may have another shape than those of the dataset it comes from."""
    return bool(dataset["resolution"] or dataset["channels"] or dataset["confounder"])
