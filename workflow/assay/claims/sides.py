"""The two sides of a comparison, seed by seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assay.claims import functions
from assay.claims.tree import metrics_in, written

#: `values(arm, metric, keys)` gives the metric by seed; None, or no entry, where it has no value.
Values = Callable[[str, str, dict[str, str]], dict[int, float | None]]


@dataclass(frozen=True)
class Sides:
    """Left and right side of a comparison, one value a seed (None where one is missing), and what is missing."""

    left: list[float | None]
    right: list[float | None]
    missing: list[str]


def sides(tree: dict[str, Any], seeds: Sequence[int], values: Values) -> Sides:
    """Evaluate both sides of a comparison for each seed.

    `missing` names metric and seed, `mixup.ece (seed 3)`, and functions that have no value there, with the reason.
    """
    tables = [(leaf, values(leaf["arm"], leaf["metric"], leaf["keys"])) for leaf in metrics_in(tree)]
    missing = [
        f"{written(leaf)} (seed {seed})" for leaf, table in tables for seed in seeds if not _is_number(table.get(seed))
    ]

    def value(node: dict[str, Any], seed: int) -> float | None:
        if "number" in node and "function" not in node:
            return float(node["number"])
        if "metric" in node:
            found = next(table for leaf, table in tables if leaf == node).get(seed)
            return float(found) if found is not None and math.isfinite(found) else None
        if "function" in node:
            return of_curves(node, seed)
        left, right = value(node["left"], seed), value(node["right"], seed)
        if left is None or right is None:
            return None
        if node["op"] == "*":
            return left * right
        return left + right if node["op"] == "+" else left - right

    def of_curves(node: dict[str, Any], seed: int) -> float | None:
        curves = [[value(leaf, seed) for leaf in curve] for curve in node["of"]]
        if any(height is None for curve in curves for height in curve):
            return None
        if node["function"] == "sd":
            return curves[0][0]  # the spread is over seeds, so each gives its value alone
        try:
            return functions.value(node["function"], node["x"], curves, node.get("number", 0.0))  # type: ignore[arg-type]
        except functions.NoValueError as reason:
            missing.append(f"{written(node)} (seed {seed}: {reason})")
            return None

    left = [value(tree["left"], seed) for seed in seeds]
    right = [value(tree["right"], seed) for seed in seeds]
    return Sides(left, right, list(dict.fromkeys(missing)))


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
