"""The curves that functions and shapes of a claim run over, as figures draw them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from assay.claims.sides import Values
from assay.claims.tree import Tree


def curves(tree: Tree, seeds: Sequence[int], values: Values) -> list[dict[str, Any]]:
    """`{"name", "key", "x": [P], "y": [P][seed]}` of each curve, once; y is None where it is missing."""
    made = []
    for name, key, x, leaves in _in(tree):
        tables = [values(leaf["arm"], leaf["metric"], leaf["keys"]) for leaf in leaves]
        found = {"name": name, "key": key, "x": x, "y": [[table.get(seed) for seed in seeds] for table in tables]}
        if found not in made:
            made.append(found)
    return made


def _in(tree: Tree) -> Iterator[tuple[str, str, list[Any], list[Tree]]]:
    if "curve" in tree:
        yield tree["curve"]["name"], tree["curve"]["key"], tree["curve"]["x"], tree["curve"]["of"]
    if tree.get("over"):
        for name, leaves in zip(tree["names"], tree["of"], strict=True):
            yield name, tree["over"], tree["x"], leaves
    for side in ("left", "right"):
        if side in tree:
            yield from _in(tree[side])
    for part in tree.get("of", []):
        if isinstance(part, dict):
            yield from _in(part)
