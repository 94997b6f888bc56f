"""What the sections draw from: a study's results, read once and in the order of the config."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from assay.figures.svg import Style
from assay.run.files import read_json
from assay.run.layout import Layout
from assay.run.results import Results, TrialFiles
from assay.study.circles import seen_by
from assay.study.registry import Metric, Registry


class Measured(NamedTuple):
    """One value of a metric; None where it is undefined, with the reason as note."""

    arm: str
    seed: int
    keys: dict[str, str]
    value: float | None
    note: str


class Material:
    """A study's results with the methods' cards beside them.

    Attributes:
        results: where everything lies.
        registry: the cards of all methods, for papers, directions and ranges of metrics.
        study: the resolved study.
        arms, seeds: in the order of the config.
    """

    def __init__(self, results: Results, registry: Registry):
        self.results = results
        self.registry = registry
        self.study = results.study
        self.arms = results.arms
        self.seeds: list[int] = list(self.study["seeds"])

    def style(self, arm: str) -> Style:
        """Colour, marker and dash of an arm, the same in every figure."""
        return Style(self.number(arm))

    def number(self, arm: str) -> int:
        """The arm's place in the config."""
        return self.arms.index(arm)

    @cached_property
    def trials(self) -> dict[tuple[str, int], TrialFiles]:
        """Every trial by arm and seed."""
        return {(arm, seed): self.results.trial(arm, seed) for arm in self.arms for seed in self.results.seeds_of(arm)}

    @cached_property
    def runs(self) -> dict[str, dict[str, Any]]:
        """`run.json` of every sealed job of the study, by digest."""
        found = {}
        for digest in self.results.plan["jobs"]:
            folder = self.results.folder_of(digest)
            run = read_json(folder / "run.json") if folder else None
            if run:
                found[digest] = run
        return found

    @cached_property
    def users(self) -> dict[str, list[str]]:
        """Job digest to the arms whose records hold it, in the order of the config; empty for datasets and the like."""
        found: dict[str, list[str]] = {digest: [] for digest in self.results.plan["jobs"]}
        for path, record in self.results.plan["records"].items():
            arm = path.split("/", 1)[0]
            if arm in self.study["arms"]:
                for digest in record["jobs"]:
                    if arm not in found[digest]:
                        found[digest].append(arm)
        return found

    @cached_property
    def metrics(self) -> dict[tuple[str, str], list[Measured]]:
        """Every value of every metric, by family (`ood`, not `ood/energy`) and metric, in the order of the arms."""
        found: dict[tuple[str, str], list[Measured]] = {}
        for row in self.results.metrics().to_dict("records"):
            value = None if row["value"] is None or not math.isfinite(row["value"]) else float(row["value"])
            note = row["note"] if isinstance(row["note"], str) else ""
            family = str(row["family"]).partition("/")[0]
            found.setdefault((family, row["metric"]), []).append(
                Measured(row["arm"], int(row["seed"]), row["keys"], value, note)
            )
        return found

    def metric(self, family: str, name: str) -> Metric:
        """What is known of a metric; one without direction when its card is gone."""
        card = self.registry.get("evaluation", family)
        return (card.metrics.get(name) if card else None) or Metric("", better="")

    def figures(self, arm: str, seed: int, family: str) -> dict[str, dict[str, Any]]:
        """`figures.json` of a trial's evaluation, by part: a detector, or the family where there are none."""
        found = {}
        for part, folder in self.trials[arm, seed].evaluate.items():
            if part.partition("/")[0] == family:
                found[part.partition("/")[2] or family] = read_json(folder / "figures.json") or {}
        return found

    def all_figures(self, arm: str, family: str) -> list[dict[str, Any]]:
        """`figures.json` of an arm's evaluations in a family, over all seeds and parts."""
        return [drawn for seed in self.seeds for drawn in self.figures(arm, seed, family).values()]

    def dataset(self, name: str, seed: int | None = None) -> Path | None:
        """The sealed folder of a dataset, under a seed where it differs by seed (the first one by default).

        None for a dataset that nothing of the study uses, or that is not there yet.
        """
        for path, record in self.results.plan["records"].items():
            group, _, rest = path.partition("/")
            stem, _, number = rest.partition("/seed-")
            of_this = group == "datasets" and (stem == name or stem.startswith(f"{name}-like-"))
            if of_this and (seed is None or not number or int(number) == seed):
                return self.results.folder_of(record["jobs"][0])
        return None

    def is_private(self, dataset: str | None) -> bool:
        """Whether a dataset, or one that it is derived from, is private."""
        while dataset:
            declared = self.study["datasets"][dataset]
            if declared.get("private"):
                return True
            dataset = declared.get("from")
        return False

    def shows_private(self, arm: str) -> bool:
        """Whether an arm's images or log could show a private dataset: its own, or the one behind its generator."""
        declared = self.study["arms"][arm]
        synthetic = declared.get("synthetic")
        seen = seen_by(self.study, synthetic["generator"]) if synthetic else []
        return any(self.is_private(name) for name in (declared["dataset"], *seen))

    def failed(self) -> list[TrialFiles]:
        """The trials that failed."""
        return [trial for trial in self.trials.values() if trial.status == "failed"]

    def log_of_failure(self, arm: str, seed: int) -> str:
        """The end of the log of the job at which a trial failed; empty when none was kept."""
        failures = Layout(self.results.root).failures
        for path, record in self.results.plan["records"].items():
            if path.startswith(f"{arm}/seed-{seed}/"):
                for digest in record["jobs"]:
                    log = (read_json(failures / f"{digest}.json") or {}).get("log")
                    if log:
                        return str(log)
        return ""
