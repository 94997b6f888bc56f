"""Arms that a study sweeps over several datasets, as one method each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.report.compare import Column
from assay.report.material import Material

#: Fewer datasets say nothing of datasets.
FEWEST = 3


@dataclass(frozen=True)
class Across:
    """Scores of methods on datasets under seeds.

    Attributes:
        methods: names of the swept arms, in the order of the config.
        datasets: on which every method has every seed.
        left_out: those on which one lacks a seed.
        scores: float64 [methods, datasets, seeds].
    """

    methods: list[str]
    datasets: list[str]
    left_out: list[str]
    scores: np.ndarray


def across(material: Material, one: Column) -> Across | None:
    """The swept arms with one point for each dataset, and those datasets that they share.

    None for fewer than two such arms, or fewer than `FEWEST` datasets.
    """
    arms = material.study["arms"]
    swept: dict[str, dict[str, str]] = {}
    for name, points in (material.study.get("groups") or {}).items():
        by_dataset = {arms[point]["dataset"]: point for point in points if point in arms}
        if len(by_dataset) == len(points):
            swept[name] = by_dataset
    shared = [data for data in material.study["datasets"] if swept and all(data in found for found in swept.values())]
    whole = [
        data for data in shared
        if all(one.values.get(found[data], {}).keys() >= set(material.seeds) for found in swept.values())
    ]  # fmt: skip
    if len(swept) < 2 or len(whole) < FEWEST:
        return None
    scores = [
        [[one.values[found[data]][seed] for seed in material.seeds] for data in whole] for found in swept.values()
    ]
    return Across(list(swept), whole, [data for data in shared if data not in whole], np.array(scores))
