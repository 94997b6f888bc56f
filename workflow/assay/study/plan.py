"""The planner: a resolved study becomes jobs and records.

A spec holds what the computation uses and nothing that only names things, so that equal work has equal digests whatever
a study calls it. Each module of `assay.study.planner` adds the jobs of some stages to those before it.
"""

from __future__ import annotations

from typing import Any

from assay.study.code import Code
from assay.study.jobs import MADE, Plan, Record, digest_of
from assay.study.planner.evaluations import Evaluations
from assay.study.planner.names import Entry
from assay.study.registry import Registry


def plan(study: dict[str, Any], registry: Registry, code: Code) -> Plan:
    """Compile a resolved study (see `assay.study.load`) into jobs and records."""
    return Planner(study, registry, code).run()


class Planner(Evaluations):
    """Walks a resolved study once and fills a plan."""

    def run(self) -> Plan:
        """Plan every stage."""
        for name in self.study["datasets"]:
            for seed in self._data_seeds(name):
                self._dataset(name, seed)
        for arm in self.study["arms"]:
            if self.study["arms"][arm]["search"]:
                self._searched(arm)
            for seed in self.study["seeds"]:
                self._trial(arm, seed)
        for arm in self.study["arms"]:
            for seed in self.study["seeds"]:
                self._follow(arm, seed)
        self._claims()
        everything = list(self.plan.records.values())
        for stage in ("report", "track"):
            code = [self.code.package(stage), self.code.package("figures")]
            digest = digest_of([stage, *code, *(record.digest for record in everything)])
            needs = [record.path for record in everything] + (["report"] if stage == "track" else [])
            self.plan.records[stage] = Record(stage, stage, [], needs, digest)
        return self.plan

    def _trial(self, arm: str, seed: int) -> None:
        declared = self.study["arms"][arm]
        if declared["predictions"]:
            sets = self._foreign_predictions(arm, seed)
            needs = [f"{arm}/seed-{seed}/predict"]
        else:
            sets, needs = self._predict(arm, seed)
        self._evaluate(arm, seed, sets, needs)

    def _claims(self) -> None:
        if not self.study["claims"]:
            return
        from assay.claims.tree import metrics_in

        inputs, needs = {}, set()
        for claim in self.study["claims"]:
            for wanted in metrics_in(claim["tree"]):
                family = self._family_of(wanted["metric"])
                for seed in self.study["seeds"]:
                    jobs = self._evaluated[wanted["arm"], seed, family]
                    for part, job in jobs.items():
                        inputs[f"{wanted['arm']}/{seed}/{part}"] = job
                    needs.add(f"{wanted['arm']}/seed-{seed}/{family}")
                    if not self.study["arms"][wanted["arm"]]["predictions"]:
                        inputs[f"{wanted['arm']}/{seed}/{MADE}"] = self._model(wanted["arm"], seed)[0]
        claims = [{key: claim[key] for key in ("tree", "alpha", "primary")} for claim in self.study["claims"]]
        spec = {"claims": claims, "seeds": self.study["seeds"]}
        if self.study["looks"]:
            spec["looks"] = self.study["looks"]
        job = self._job("claims", f"of-{len(claims)}", spec, inputs, self._cards("evaluation", self._families()))
        self.plan.add("claims", "claims", [job], sorted(needs))

    def _families(self) -> list[Entry]:
        return [{"method": family} for family in self.study["evaluate"]]

    def _family_of(self, metric: str) -> str:
        for family in self.study["evaluate"]:
            if metric in self.registry.card("evaluation", family).metrics:
                return family
        raise KeyError(metric)
