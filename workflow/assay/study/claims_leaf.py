"""One metric of a claim: whether the study computes it for this arm and these keys."""

from __future__ import annotations

from typing import Any

from assay.study.errors import nearest
from assay.study.problems import Path, Problems
from assay.study.registry import Card, Metric, Registry
from assay.study.sweeps import Sweeps


class Scope:
    """What claims of a study may name."""

    def __init__(self, resolved: dict[str, Any], registry: Registry, groups: dict[str, list[str]]):
        self.resolved = resolved
        self.registry = registry
        self.sweeps = Sweeps(groups)
        self.families = {family: registry.card("evaluation", family) for family in resolved["evaluate"]}
        self.metrics: dict[str, tuple[str, Metric]] = {
            name: (family, metric) for family, card in self.families.items() for name, metric in card.metrics.items()
        }

    def values(self, metric: str, key: str) -> list[str] | None:
        """The values that a key of a metric takes in this study, as text; None when only the run can tell."""
        family, about = self.metrics[metric]
        origin, card = about.keys[key], self.source(family)
        options: dict[str, Any] = self.resolved["evaluate"][card.name]
        if origin == "sets":
            near, far = options.get("near") or [], options.get("far") or []
            means = [word for word, names in (("near", near), ("far", far)) if names]
            return list(dict.fromkeys([*near, *far, *means]))
        if "|" in origin:
            return origin.split("|")
        if origin in card.methods:
            named = [entry["method"] for entry in options[origin]]
            return list(dict.fromkeys([*named, *(card.always if origin == next(iter(card.methods)) else [])]))
        value = options.get(origin)
        if isinstance(value, dict):
            return list(value)
        if isinstance(value, list):
            listed = [f"{item:g}" if isinstance(item, float) else str(item) for item in value]
            return [*listed, "mean"] if origin == "severities" else listed
        return None

    def source(self, family: str) -> Card:
        """The card of a family, or of the one whose results it reads."""
        card = self.families[family]
        return self.families.get(card.follows, card)

    def each(self, metric: str, key: str, arm: str) -> list[str] | None:
        """The values of a key one by one, without means over some of them; None when only the run can tell."""
        if self.metrics[metric][1].keys[key] == "classes":
            declared = self.resolved["arms"].get(arm)
            dataset = declared and self.resolved["datasets"].get(declared["dataset"])
            return list(dataset["classes"]["keep"] or []) or None if dataset else None
        values = self.values(metric, key)
        if values and self.metrics[metric][1].keys[key] == "sets":
            return [value for value in values if value not in ("near", "far")]
        if values and self.metrics[metric][1].keys[key] == "severities":
            return [value for value in values if value != "mean"]
        return values


class Leaf:
    """One metric of a claim."""

    def __init__(self, leaf: dict[str, Any], path: Path, scope: Scope, problems: Problems):
        self.leaf = leaf
        self.path = path
        self.scope = scope
        self.problems = problems

    def check(self) -> None:
        """Note whatever of it nobody computes."""
        arm, name, arms = self.leaf["arm"], self.leaf["metric"], self.scope.resolved["arms"]
        if arm not in arms:
            self.problems.unknown(self.path, "arm", arm, arms)
        if name not in self.scope.metrics:
            self._unknown_metric(name, list(self.scope.metrics))
            return
        family, metric = self.scope.metrics[name]
        card = self.scope.source(family)
        if arms.get(arm, {}).get("predictions") and "model" in card.reads:
            self.problems.add(self.path, f"{name} needs a model, and {arm} has predictions alone")
        self._check_keys(metric)

    def _unknown_metric(self, name: str, computed: list[str]) -> None:
        registry = self.scope.registry
        for kind, family in registry.cards:
            if kind == "evaluation" and name in registry.card(kind, family).metrics:
                self.problems.add(
                    self.path, f"nobody computes {name!r} here: it belongs to {family}, which is not under `evaluate`"
                )
                return
        there = f"the study computes {', '.join(computed)}"
        self.problems.add(self.path, f"no metric is called {name!r}; {there}", nearest(name, computed))

    def _check_keys(self, metric: Metric) -> None:
        name, keys = self.leaf["metric"], self.leaf["keys"]
        for key, value in keys.items():
            if key not in metric.keys:
                has = f"it has {', '.join(metric.keys)}" if metric.keys else "it has none"
                self.problems.add(self.path, f"{name} has no key {key!r}; {has}", nearest(key, metric.keys))
                continue
            self._check_value(key, value, metric.keys[key], written=True)
        for key, origin in metric.keys.items():
            if key in keys:
                continue
            if key not in metric.defaults:
                self.problems.add(self.path, f"{name} needs the key {key!r}, as in {name}[{key}=...]")
            else:
                self._check_value(key, metric.defaults[key], origin, written=False)

    def _check_value(self, key: str, value: str, origin: str, written: bool) -> None:
        if origin == "classes":
            self._check_class(value)
            return
        known = self.scope.values(self.leaf["metric"], key)
        if known is None or value in known:
            return
        what = f"{key}={value}" if written else f"{key}={value}, which is meant when {key!r} is left out"
        self.problems.add(
            self.path,
            f"nobody computes {self.leaf['metric']} for {what}; there is {', '.join(known) or 'none'}",
            nearest(value, known),
        )

    def _check_class(self, value: str) -> None:
        arm = self.scope.resolved["arms"].get(self.leaf["arm"])
        dataset = arm and self.scope.resolved["datasets"].get(arm["dataset"])
        if not dataset or value == "rarest":
            return
        classes = dataset["classes"]
        if value in classes["hold-out"]:
            self.problems.add(self.path, f"class {value} is held out of {arm['dataset']}, so no arm predicts it")
        elif classes["keep"] and value not in classes["keep"]:
            self.problems.unknown(self.path, f"class of {arm['dataset']}", value, [*classes["keep"], "rarest"])
