"""Whether the trials that a claim compares were made alike: on one device, in one precision, by one software."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from assay.claims.tree import Tree, metrics_in

#: What a trial was made with, by arm and seed: fact -> value, such as `device` -> `cpu (AMD EPYC)`.
Conditions = Mapping[tuple[str, int], Mapping[str, str]]


def facts(run: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, str]:
    """The facts of a job that made a model, from its `run.json` and its spec.

    A precision that the config names is part of what is compared; one that the machine chose is a condition.
    """
    found = {name: str(version) for name, version in (run.get("packages") or {}).items()}
    found |= {name: str(run[name]) for name in ("device", "python") if run.get(name)}
    if spec.get("precision", "auto") == "auto" and run.get("precision"):
        found["precision"] = str(run["precision"])
    return found


def differences(tree: Tree, seeds: Sequence[int], conditions: Conditions) -> list[str]:
    """A sentence for each value that is not the usual one among the trials of a claim; none when all were made alike.

    Trials of which nothing is known (predictions made elsewhere, failed ones) are passed over.
    """
    trials = [(arm, seed) for arm in dict.fromkeys(leaf["arm"] for leaf in metrics_in(tree)) for seed in seeds]
    made = {trial: conditions[trial] for trial in trials if trial in conditions}
    told = []
    for fact in sorted({fact for known in made.values() for fact in known}):
        values = {trial: known[fact] for trial, known in made.items() if fact in known}
        (usual, _), *others = Counter(values.values()).most_common()
        for other, _ in others:
            where = ", ".join(f"{arm} (seed {seed})" for (arm, seed), value in values.items() if value == other)
            told.append(f"{fact} is {other} in {where} and {usual} elsewhere")
    return told
