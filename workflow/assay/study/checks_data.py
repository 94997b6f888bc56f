"""Keys of one dataset that contradict each other."""

from __future__ import annotations

from typing import Any

from assay.study.problems import Path, Problems
from assay.study.registry import Registry


def contradictions(
    path: Path, chain: list[dict[str, Any]], vary: list[str], registry: Registry, problems: Problems
) -> None:
    """Note what cannot be meant together in a dataset.

    Args:
        path: where it stands.
        chain: the datasets that it comes from, the root first, and itself.
        vary: the streams that seeds change.
        registry: finds the augmentations.
        problems: takes the faults.
    """
    dataset = chain[-1]
    for key in ("resolution", "channels"):
        if dataset["like"] and dataset[key]:
            problems.add((*path, key), f"`like` gives the images their shape; leave `{key}` out")
    if dataset["labels"] and dataset["subset"] and dataset["labels"] > dataset["subset"]:
        expected = f"expected at most {dataset['subset']}, the images that `subset` keeps"
        problems.add((*path, "labels"), f"{expected}, found {dataset['labels']}")
    if dataset["channels"] == 1 and (dataset["confounder"] or {}).get("method") == "colour":
        problems.add((*path, "channels"), "the confounder colour needs 3 channels, found 1")
    if (dataset["split"] or {}).get("fold") is not None and "split" in vary:
        message = "with `split` under `vary` each seed tests on a fold of its own; leave `fold` out"
        problems.add((*path, "split", "fold"), message)
    if bool(dataset["copies"]) != bool(dataset["augment"]):
        given, missing = ("copies", "augment") if dataset["copies"] else ("augment", "copies")
        problems.add((*path, given), f"`copies` says how many views there are, `augment` of what; add `{missing}`")
    for number, entry in enumerate(dataset["augment"]):
        card = entry and registry.get("augment", entry["method"])
        if card and card.mixes:
            problems.add((*path, "augment", number), f"{card.name} mixes labels, and a copy has that of its image")
    noise = dataset["label-noise"] or {}
    if noise.get("method") == "from-file" and not noise.get("classes"):
        chosen = [key for each in chain for key in _classes_chosen(each)]
        if chosen:
            message = f"`{chosen[0]}` numbers the classes anew; list under `classes` what the numbers of the file mean"
            problems.add((*path, "label-noise"), message)


def _classes_chosen(dataset: dict[str, Any]) -> list[str]:
    """The keys of a dataset that change its list of classes."""
    chosen = dataset["classes"]["keep"] or dataset["classes"]["hold-out"]
    return [key for key, given in (("class-map", dataset["class-map"]), ("classes", chosen)) if given]
