"""The two sides of a claim, seed by seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assay.claims.language import metrics_in, written

#: `values(arm, metric, keys)` gives the metric by seed; None, or no entry, where it has no value.
Values = Callable[[str, str, dict[str, str]], dict[int, float | None]]


@dataclass(frozen=True)
class Sides:
    """Left and right side of a claim, one value a seed (None where one is missing), and what is missing."""

    left: list[float | None]
    right: list[float | None]
    missing: list[str]


def sides(tree: dict[str, Any], seeds: Sequence[int], values: Values) -> Sides:
    """Evaluate both sides of a claim's tree for each seed. `missing` names metric and seed: `mixup.ece (seed 3)`."""
    tables = [(leaf, values(leaf["arm"], leaf["metric"], leaf["keys"])) for leaf in metrics_in(tree)]
    missing = [
        f"{written(leaf)} (seed {seed})" for leaf, table in tables for seed in seeds if not _is_number(table.get(seed))
    ]

    def value(node: dict[str, Any], seed: int) -> float | None:
        if "number" in node:
            return float(node["number"])
        if "arm" in node:
            found = next(table for leaf, table in tables if leaf == node).get(seed)
            return float(found) if found is not None and math.isfinite(found) else None
        left, right = value(node["left"], seed), value(node["right"], seed)
        if left is None or right is None:
            return None
        if node["op"] == "*":
            return left * right
        return left + right if node["op"] == "+" else left - right

    return Sides([value(tree["left"], seed) for seed in seeds], [value(tree["right"], seed) for seed in seeds], missing)


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
