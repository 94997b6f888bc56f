"""Claims read and checked: every arm, metric, key and value in them is one that the study computes."""

from __future__ import annotations

from typing import Any

from assay.claims.language import ClaimError, completed, metrics_in, parse
from assay.study.errors import nearest
from assay.study.model import Study
from assay.study.problems import Path, Problems
from assay.study.registry import Card, Metric, Registry


def resolve_claims(
    resolved: dict[str, Any], study: Study, registry: Registry, groups: dict[str, list[str]], problems: Problems
) -> list[dict[str, Any]]:
    """The claims of a study, each with its parsed tree; faults go to `problems`."""
    made = []
    families = [registry.card("evaluation", family) for family in resolved["evaluate"]]
    defaults = {name: metric.defaults for card in families for name, metric in card.metrics.items()}
    for number, claim in enumerate(study.claims):
        path: Path = ("claims", number, "expect")
        try:
            tree = parse(claim.expect)
        except ClaimError as error:
            problems.add(path, f"{error.message} (column {error.column})")
            continue
        for leaf in metrics_in(tree):
            _Leaf(leaf, path, resolved, registry, groups, problems).check()
        tree = completed(tree, defaults)
        if tree["left"] == tree["right"]:
            problems.add(path, "both sides are the same, so nothing is claimed")
        made.append({**claim.model_dump(), "tree": tree})
    return made


class _Leaf:
    """One metric of a claim."""

    def __init__(
        self,
        leaf: dict[str, Any],
        path: Path,
        resolved: dict[str, Any],
        registry: Registry,
        groups: dict[str, list[str]],
        problems: Problems,
    ):
        self.leaf = leaf
        self.path = path
        self.resolved = resolved
        self.registry = registry
        self.groups = groups
        self.problems = problems

    def check(self) -> None:
        """Note whatever of it nobody computes."""
        arm, name = self.leaf["arm"], self.leaf["metric"]
        if arm in self.groups:
            points = ", ".join(self.groups[arm])
            self.problems.add(self.path, f"{arm} is a sweep, not one arm; name one of its points: {points}")
        elif arm not in self.resolved["arms"]:
            self.problems.unknown(self.path, "arm", arm, self.resolved["arms"])
        families = {family: self.registry.card("evaluation", family) for family in self.resolved["evaluate"]}
        computed = {metric: (family, card) for family, card in families.items() for metric in card.metrics}
        if name not in computed:
            self._unknown_metric(name, list(computed))
            return
        family, card = computed[name]
        foreign = self.resolved["arms"].get(arm, {}).get("predictions")
        if foreign and "model" in card.reads:
            self.problems.add(self.path, f"{name} needs a model, and {arm} has predictions alone")
        self._check_keys(card.metrics[name], card, self.resolved["evaluate"][family])

    def _unknown_metric(self, name: str, computed: list[str]) -> None:
        for kind, family in self.registry.cards:
            if kind == "evaluation" and name in self.registry.card(kind, family).metrics:
                self.problems.add(
                    self.path, f"nobody computes {name!r} here: it belongs to {family}, which is not under `evaluate`"
                )
                return
        there = f"the study computes {', '.join(computed)}"
        self.problems.add(self.path, f"no metric is called {name!r}; {there}", nearest(name, computed))

    def _check_keys(self, metric: Metric, card: Card, options: dict[str, Any]) -> None:
        name, keys = self.leaf["metric"], self.leaf["keys"]
        for key, value in keys.items():
            if key not in metric.keys:
                has = f"it has {', '.join(metric.keys)}" if metric.keys else "it has none"
                self.problems.add(self.path, f"{name} has no key {key!r}; {has}", nearest(key, metric.keys))
                continue
            self._check_value(key, value, metric.keys[key], card, options, written=True)
        for key, origin in metric.keys.items():
            if key in keys:
                continue
            if key not in metric.defaults:
                self.problems.add(self.path, f"{name} needs the key {key!r}, as in {name}[{key}=...]")
            else:
                self._check_value(key, metric.defaults[key], origin, card, options, written=False)

    def _check_value(
        self, key: str, value: str, origin: str, card: Card, options: dict[str, Any], written: bool
    ) -> None:
        if origin == "classes":
            self._check_class(value)
            return
        known = self._values(origin, card, options)
        if known is None or value in known:
            return
        what = f"{key}={value}" if written else f"{key}={value}, which is meant when {key!r} is left out"
        self.problems.add(
            self.path,
            f"nobody computes {self.leaf['metric']} for {what}; there is {', '.join(known) or 'none'}",
            nearest(value, known),
        )

    def _check_class(self, value: str) -> None:
        arm = self.resolved["arms"].get(self.leaf["arm"])
        dataset = arm and self.resolved["datasets"].get(arm["dataset"])
        if not dataset or value == "rarest":
            return
        classes = dataset["classes"]
        if value in classes["hold-out"]:
            self.problems.add(self.path, f"class {value} is held out of {arm['dataset']}, so no arm predicts it")
        elif classes["keep"] and value not in classes["keep"]:
            self.problems.unknown(self.path, f"class of {arm['dataset']}", value, [*classes["keep"], "rarest"])

    def _values(self, origin: str, card: Card, options: dict[str, Any]) -> list[str] | None:
        """The values that a key takes, as text; None when only the run can tell."""
        if origin == "sets":
            near, far = options.get("near") or [], options.get("far") or []
            means = [word for word, names in (("near", near), ("far", far)) if names]
            return list(dict.fromkeys([*near, *far, *means]))
        if "|" in origin:
            return origin.split("|")
        if origin in card.methods:
            named = [entry["method"] for entry in options[origin]]
            return list(dict.fromkeys([*named, *card.always]))
        value = options.get(origin)
        if isinstance(value, dict):
            return list(value)
        if isinstance(value, list):
            return [f"{item:g}" if isinstance(item, float) else str(item) for item in value]
        return None
