"""What a job is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from assay.study.code import Code
from assay.study.jobs import STAGES, Job, Plan, digest_of
from assay.study.planner.names import Entry, plugin_file
from assay.study.registry import Card, Registry


class Base:
    """Holds a resolved study and the plan that it becomes; the classes below add the jobs of their stages."""

    def __init__(self, study: dict[str, Any], registry: Registry, code: Code):
        self.study = study
        self.registry = registry
        self.code = code
        self.plan = Plan(study)
        self._data: dict[tuple[str, int, str], tuple[Job, str]] = {}
        self._prints: dict[str, str | None] = {}
        self._models: dict[tuple[str, int], tuple[Job, str]] = {}
        self._predicted: dict[tuple[str, int], tuple[dict[str, Job], list[str]]] = {}
        self._evaluated: dict[tuple[str, int, str], dict[str, Job]] = {}

    def _job(
        self,
        stage: str,
        name: str,
        spec: Entry,
        inputs: dict[str, Job],
        methods: Iterable[Card],
        part: str | None = None,
        modules: Iterable[str] = (),
    ) -> Job:
        cards = {(card.kind, card.name): card for card in methods}
        modules = [STAGES[stage], *sorted({*modules, *(card.module for card in cards.values())})]
        digests = {role: job.digest for role, job in sorted(inputs.items())}
        called = [[*key, card.module, card.attribute, plugin_file(card)] for key, card in sorted(cards.items())]
        kin = digest_of([stage, spec, {role: job.kin for role, job in inputs.items()}])
        made = Job(stage, name, spec, digests, self.code.closure(modules), part, called, kin)
        made.gpus = self.study["resources"].get(stage, {}).get("gpus")
        return made

    def _card(self, kind: str, entry: Entry | None) -> list[Card]:
        return [self.registry.card(kind, entry["method"])] if entry else []

    def _cards(self, kind: str, entries: Iterable[Entry]) -> list[Card]:
        return [card for entry in entries for card in self._card(kind, entry)]

    def _streams(self, seed: int, *names: str) -> dict[str, int]:
        """The number of each stream: the seed for what the study varies, 0 for what it holds fixed."""
        return {name: seed if name in self.study["vary"] else 0 for name in names}

    def _made_by(self, model: Job) -> dict[str, Job]:
        """The training of a model as `train`, and what was done to it afterwards as `adjust/0`, `compress/1`, ..."""
        chain = []
        while model.stage in ("adjust", "compress"):
            chain.append(model)
            model = self.plan.jobs[model.inputs["model"]]
        return {"train": model} | {f"{job.stage}/{number}": job for number, job in enumerate(reversed(chain))}

    def _model(self, arm: str, seed: int) -> tuple[Job, str]:
        """The job of an arm's trained model and the path of its record; `Trials` plans them."""
        raise NotImplementedError

    def _encoder(self, name: str, seed: int) -> tuple[Job, str]:
        """The same of a declared encoder; `Generated` plans it."""
        raise NotImplementedError
