"""The trees of claims: which metrics they read, and how they are written.

A claim as it is judged is a *comparison* or a *compound*:

    {"op": "<" | "<=" | ">" | ">=", "left": E, "right": E, "by": 0.05}      `by` is 0 when left out
    {"op": "~", "left": E, "right": E, "within": 0.01}
    {"at-least": 2, "of": [claim, ...], "form": "for all set"}              so many of these hold

and an expression E is one of

    {"number": 0.01}
    {"op": "+" | "-" | "*", "left": E, "right": E}
    {"arm": "kd", "metric": "ece", "keys": {"calibration": "none"}}
    {"function": "slope", "of": [[metric, metric]], "x": [0.1, 0.2], "over": "recipe.lr", "names": ["kd.ece"]}
    {"function": "sd", "of": [[metric]]}                                    over seeds

where `of` holds a function's curves, one metric a point. A compound that tells the course of a curve has it as
`"curve": {"name", "key", "x", "of"}`.

`assay.claims.language` also makes nodes that name sweeps, and keys of which every value is meant;
`assay.study.claims` puts the arms and values of the study in their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Tree = dict[str, Any]


def leaves(tree: Tree) -> Iterator[Tree]:
    """The metrics of a claim or an expression, in the order in which they are written."""
    if "metric" in tree:
        yield tree
    for side in ("left", "right", "claim"):
        if side in tree:
            yield from leaves(tree[side])
    for part in tree.get("of", []):
        for node in part if isinstance(part, list) else [part]:
            yield from leaves(node)


def metrics_in(tree: Tree) -> list[Tree]:
    """The metrics `{"arm", "metric", "keys"}` that a claim or an expression reads, each once, in order."""
    found: list[Tree] = []
    for leaf in leaves(tree):
        if leaf not in found:
            found.append(leaf)
    return found


def functions_in(tree: Tree) -> set[str]:
    """The names of the functions in a comparison or an expression."""
    found = {tree["function"]} if "function" in tree else set()
    return found.union(*(functions_in(tree[side]) for side in ("left", "right") if side in tree))


def replaced(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """The tree with `change(leaf)` in the place of each metric. `tree` stays as it is."""
    if "metric" in tree:
        return change(tree)
    made: Tree = dict(tree)
    for side in ("left", "right", "claim"):
        if side in tree:
            made[side] = replaced(tree[side], change)
    if "of" in tree:
        made["of"] = [
            [replaced(node, change) for node in part] if isinstance(part, list) else replaced(part, change)
            for part in tree["of"]
        ]
    return made


def completed(tree: Tree, defaults: Mapping[str, Mapping[str, str]]) -> Tree:
    """The tree with the keys that its metrics leave out, as `defaults` gives them by metric. `tree` stays as it is."""

    def complete(leaf: Tree) -> Tree:
        return {**leaf, "keys": dict(defaults.get(leaf["metric"], {})) | leaf["keys"]}

    return replaced(tree, complete)


def written(tree: Tree) -> str:
    """A comparison, an expression or a metric as one writes it: `kd.ece[calibration=none] < 0.1`."""
    if "metric" in tree:
        keys = ", ".join(f"{key}={_quoted(value)}" for key, value in tree["keys"].items())
        return f"{tree['arm']}.{tree['metric']}" + (f"[{keys}]" if keys else "")
    if "number" in tree:
        return f"{tree['number']:g}"
    if "function" in tree:
        return f"{tree['function']}({', '.join(_curve(part) for part in tree['of'])})"
    if "at-least" in tree:
        return f"at least {tree['at-least']} of " + "; ".join(written(part) for part in tree["of"])
    left, right = (_side(tree[side], tree["op"]) for side in ("left", "right"))
    ends = f" by {tree['by']:g}" if tree.get("by") else f" within {tree['within']:g}" if "within" in tree else ""
    return f"{left} {tree['op']} {right}{ends}"


def _curve(part: list[Tree]) -> str:
    return written(part[0]) + (f" .. {written(part[-1])}" if len(part) > 1 else "")


def _side(tree: Tree, above: str) -> str:
    text = written(tree)
    # A sum needs brackets below a product, and to the right of a minus.
    return f"({text})" if tree.get("op") in ("+", "-") and above in ("*", "-") else text


def _quoted(value: str) -> str:
    if not re.search(r"[,\[\]\"']|^\s|\s$", value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'
