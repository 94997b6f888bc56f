"""Claims spelt out: sweeps become their points, keys their values, and shapes the comparisons that they stand for."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

from assay.claims.language import POINTS, SHAPES
from assay.claims.tree import Tree, leaves, replaced, written
from assay.study.claims_leaf import Scope
from assay.study.errors import nearest


class UnclearError(ValueError):
    """A claim that names what the study does not have. The message says what was expected; `near` is probably meant."""

    def __init__(self, message: str, near: str | None = None):
        super().__init__(message)
        self.near = near


class Speller:
    """Spells out the claims of one study."""

    def __init__(self, scope: Scope):
        self.scope = scope

    def spelt(self, tree: Tree) -> Tree:
        """The tree as `assay.claims.tree` describes it.

        Raises:
            UnclearError: a sweep, a key or a value is not one of the study.
        """
        if "each" in tree:
            return self._each(tree)
        if "shape" in tree:
            if tree["shape"] in SHAPES:
                return self._shape(tree)
            return self._best(tree) if tree["shape"] == "best" else self._dominates(tree)
        if "at-least" in tree:
            return {**tree, "of": [self.spelt(part) for part in tree["of"]]}
        return {**tree, **{side: self._expression(tree[side]) for side in ("left", "right")}}

    # -- for all, for most -------------------------------------------------------------------------------------------

    def _each(self, tree: Tree) -> Tree:
        key, claim = tree["key"], tree["claim"]
        takers = [leaf for leaf in leaves(claim) if self._takes(leaf, key)]
        if not takers:
            known = {name for leaf in leaves(claim) for name in self._keys(leaf)}
            has = f"; they have {', '.join(sorted(known))}" if known else "; they have none"
            raise UnclearError(f"no metric of the claim has the key {key!r}{has}", nearest(key, known))
        values = tree["values"] or self._all_values(takers[0], key)
        if len(values) < 2:
            raise UnclearError(f"`for {tree['each']} {key}` needs two values or more, and there is {values[0]}")
        parts = [self.spelt(replaced(claim, partial(self._filled, key=key, value=value))) for value in values]
        wanted = len(parts) if tree["each"] == "all" else len(parts) // 2 + 1
        return {"at-least": wanted, "of": parts, "form": f"for {tree['each']} {key}"}

    def _keys(self, leaf: Tree) -> list[str]:
        metric = self.scope.metrics.get(leaf["metric"])
        return [*(metric[1].keys if metric else []), *self.scope.sweeps.keys(leaf["arm"])]

    def _takes(self, leaf: Tree, key: str) -> bool:
        metric = self.scope.metrics.get(leaf["metric"])
        if metric and key in metric[1].keys:
            return key not in leaf["keys"]
        sweeps = self.scope.sweeps
        return key in sweeps.keys(leaf["arm"]) and len(sweeps.values(leaf["arm"], key)) > 1

    def _filled(self, leaf: Tree, key: str, value: str) -> Tree:
        if not self._takes(leaf, key):
            return leaf
        metric = self.scope.metrics.get(leaf["metric"])
        if metric and key in metric[1].keys:
            return {**leaf, "keys": {**leaf["keys"], key: value}}
        known = self.scope.sweeps.values(leaf["arm"], key)
        if value not in known:
            raise UnclearError(
                f"{leaf['arm']} has no point with {key}={value}; there is {', '.join(known)}", nearest(value, known)
            )
        return {**leaf, "arm": self.scope.sweeps.with_value(leaf["arm"], key, value)}

    def _all_values(self, leaf: Tree, key: str) -> list[str]:
        metric = self.scope.metrics.get(leaf["metric"])
        if not (metric and key in metric[1].keys):
            return self.scope.sweeps.values(leaf["arm"], key)
        values = self.scope.each(leaf["metric"], key, leaf["arm"])
        if not values:
            raise UnclearError(f"say which: only the run knows every {key}, so write `for all {key} in ..., ...:`")
        return values

    # -- expressions -------------------------------------------------------------------------------------------------

    def _expression(self, tree: Tree) -> Tree:
        if "metric" in tree:
            return self._leaf(tree)
        if "function" in tree:
            return self._function(tree)
        return {**tree, **{side: self._expression(tree[side]) for side in ("left", "right") if side in tree}}

    def _leaf(self, leaf: Tree) -> Tree:
        """A metric of one arm; a sweep named in part becomes the one point that is left."""
        arm = leaf["arm"]
        if arm in self.scope.resolved["arms"] or arm.partition("[")[0] not in self.scope.sweeps.points:
            return leaf
        points = self.scope.sweeps.matching(arm)
        if len(points) == 1:
            return {**leaf, "arm": points[0]}
        everything = self.scope.sweeps.matching(arm.partition("[")[0])
        if not points:
            raise UnclearError(f"no point of the sweep is called {arm}; there is {', '.join(everything)}",
                               nearest(arm, everything))  # fmt: skip
        raise UnclearError(f"{arm} is a sweep, not one arm; name one of its points: {', '.join(points)}")

    def _function(self, tree: Tree) -> Tree:
        name = tree["function"]
        if name == "sd":
            return {**tree, "of": [[self._leaf(tree["of"][0][0])]]}
        if name in ("spearman", "pearson"):
            curves = [self._points(leaf) for leaf in tree["of"]]
            if len(curves[0]) != len(curves[1]):
                raise UnclearError(f"{name} needs as many points of {written(tree['of'][0])} as of its partner, "
                                   f"and there are {len(curves[0])} and {len(curves[1])}")  # fmt: skip
            made = {**tree, "of": curves, "x": list(range(len(curves[0])))}
        else:
            found = [self._curve(leaf) for leaf in tree["of"]]
            x = found[0][0]
            if any(other != x for other, _ in found):
                raise UnclearError(f"{name} needs both curves over the same values of {tree['of'][0]['over']}")
            if any(isinstance(place, str) for place in x):
                raise UnclearError(f"{name} needs numbers to run over, and {tree['of'][0]['over']} takes "
                                   f"{', '.join(map(str, x))}")  # fmt: skip
            names = [written(leaf) for leaf in tree["of"]]
            made = {**tree, "of": [curve for _, curve in found], "x": x, "over": tree["of"][0]["over"], "names": names}
        if len(made["x"]) < POINTS[name]:
            raise UnclearError(f"{name} needs {POINTS[name]} points or more, and there are {len(made['x'])}")
        return made

    def _points(self, leaf: Tree) -> list[Tree]:
        """A metric of every point that an arm leaves open, or of every arm."""
        arm = leaf["arm"]
        points = list(self.scope.resolved["arms"]) if arm == "*" else self.scope.sweeps.matching(arm) or [arm]
        return [{**leaf, "arm": point} for point in points]

    def _curve(self, leaf: Tree) -> tuple[list[float | str], list[Tree]]:
        """The values that a curve runs over, rising if they are numbers, and its metric at each."""
        key, arm = leaf["over"], leaf["arm"]
        plain: Tree = {"arm": arm, "metric": leaf["metric"], "keys": leaf["keys"]}
        metric = self.scope.metrics.get(leaf["metric"])
        if metric and key in metric[1].keys:
            values = self.scope.each(leaf["metric"], key, arm)
            if not values:
                raise UnclearError(f"only the run knows every {key}, so no curve can run over it")
            base = self._leaf(plain)
            found = {value: {**base, "keys": {**base["keys"], key: value}} for value in values}
        elif key in self.scope.sweeps.keys(arm):
            points = self.scope.sweeps.along(arm, key)
            if points is None:
                others = [name for name in self.scope.sweeps.keys(arm) if name != key]
                raise UnclearError(f"{arm} has several points for a {key}; fix {', '.join(others)}, "
                                   f"as in {arm.partition('[')[0]}[{others[0]}=...]")  # fmt: skip
            found = {value: {**plain, "arm": point} for value, point in points.items()}
        else:
            known = self._keys(leaf)
            raise UnclearError(f"{written(plain)} does not run over {key!r}; it has {', '.join(known) or 'no key'}",
                               nearest(key, known))  # fmt: skip
        try:
            numbers: dict[Any, Tree] = {float(value): one for value, one in found.items()}
        except ValueError:
            return list(found), list(found.values())
        return sorted(numbers), [numbers[value] for value in sorted(numbers)]

    # -- shapes ------------------------------------------------------------------------------------------------------

    def _shape(self, tree: Tree) -> Tree:
        name, (leaf,) = tree["shape"], tree["of"]
        x, points = self._curve(leaf)
        fewest = 2 if name in ("increasing", "decreasing") else 3
        if len(points) < fewest:
            raise UnclearError(f"{name} needs {fewest} points or more, and there are {len(points)}")
        up = "<" if name in ("increasing", "u-shaped") else ">"
        if fewest == 2:
            made = {"at-least": len(points) - 1, "of": [_order(a, up, b, tree["by"]) for a, b in pairwise(points)]}
        else:
            ends = (points[0], points[-1])
            bends = [
                {"at-least": 2, "of": [_order(middle, up, end, tree["by"]) for end in ends], "form": "bend"}
                for middle in points[1:-1]
            ]
            made = {"at-least": 1, "of": bends}
        return {**made, "form": name, "curve": {"name": written(leaf), "key": leaf["over"], "x": x, "of": points}}

    def _best(self, tree: Tree) -> Tree:
        first, *others = (self._leaf(leaf) for leaf in tree["of"])
        parts = [_order(first, self._better(first), other) for other in others]
        return {"at-least": len(parts), "of": parts, "form": "best"}

    def _dominates(self, tree: Tree) -> Tree:
        pairs = [[self._leaf(leaf) for leaf in pair] for pair in tree["of"]]
        parts = [_order(first, self._better(first), second) for first, second in pairs]
        return {"at-least": len(parts), "of": parts, "form": "dominates"}

    def _better(self, leaf: Tree) -> str:
        """The order by which the left side is better in this metric."""
        known = self.scope.metrics.get(leaf["metric"])
        if known and known[1].better not in ("higher", "lower"):
            raise UnclearError(f"of {leaf['metric']} neither more nor less is better; write the orders with < or >")
        return "<" if known and known[1].better == "lower" else ">"


def _order(left: Tree, op: str, right: Tree, by: float = 0.0) -> Tree:
    return {"op": op, "left": left, "right": right, "by": by}
