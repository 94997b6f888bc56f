"""The planner's predictions and evaluations."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from assay.study.jobs import Job, label
from assay.study.planner.names import Entry, fingerprint_of, predicted_sets
from assay.study.planner.trials import Trials
from assay.study.registry import Card


class Evaluations(Trials):
    """Plans the stages `predict` and `evaluate`."""

    def _outliers(self) -> list[str]:
        options = self.study["evaluate"].get("ood") or {}
        return list(dict.fromkeys([*options.get("near", []), *options.get("far", [])]))

    def _reads(self, what: str) -> bool:
        """Whether a family of the study reads a set."""
        return any(what in self.registry.card("evaluation", family).reads for family in self.study["evaluate"])

    def _poisoned(self, name: str | None) -> bool:
        """Whether a dataset, or one that it comes from, was tampered with."""
        while name:
            if self.study["datasets"][name]["poison"]:
                return True
            name = self.study["datasets"][name]["from"]
        return False

    def _validation_outliers(self) -> list[str]:
        tune = (self.study["evaluate"].get("ood") or {}).get("tune")
        return [tune["on"]] if tune else []

    def _external(self) -> list[str]:
        return list((self.study["evaluate"].get("external") or {}).get("test-sets", []))

    def _predict(self, arm: str, seed: int) -> tuple[dict[str, Job], list[str]]:
        """The jobs that predict each set of a trial, and the records that its evaluations need."""
        if (arm, seed) not in self._predicted:
            self._predicted[arm, seed] = self._predictions(arm, seed)
        return self._predicted[arm, seed]

    def _predictions(self, arm: str, seed: int) -> tuple[dict[str, Job], list[str]]:
        declared = self.study["arms"][arm]
        model, need = self._model(arm, seed)
        dataset, data_need = self._dataset(declared["dataset"], seed)
        needs = [need, data_need]
        outliers = [*self._outliers(), *self._validation_outliers()]
        own = ["val", "test"]
        if self._reads("train"):
            own.append("train")
        if "hold-out" in outliers:
            own.append("hold-out")
        if self._reads("triggered") and self._poisoned(declared["dataset"]):
            own.append("triggered")
        sets = {name: self._prediction(arm, model, dataset, name) for name in own}
        for name in outliers:
            if name == "hold-out":
                continue
            outlier, outlier_need = self._elsewhere(arm, seed, name)
            sets[name] = self._prediction(arm, model, outlier, name, "test")
            needs.append(outlier_need)
        for name in self._external():
            if name not in sets:
                external, external_need = self._elsewhere(arm, seed, name)
                sets[name] = self._prediction(arm, model, external, name, "test")
                needs.append(external_need)
        path = f"{arm}/seed-{seed}/predict"
        self.plan.add(path, "predict", list(sets.values()), needs)
        return sets, [path, need, data_need]

    def _elsewhere(self, arm: str, seed: int, name: str) -> tuple[Job, str]:
        """A dataset on which an arm is tested though it learns from another; one with `like` takes the arm's shape."""
        like = self._shaper(self.study["arms"][arm]["dataset"]) if self.study["datasets"][name].get("like") else None
        return self._dataset(name, seed, like)

    def _foreign_predictions(self, arm: str, seed: int) -> dict[str, Job]:
        declared = self.study["arms"][arm]
        dataset, need = self._dataset(declared["dataset"], seed)
        print_of = fingerprint_of(declared["predictions"])
        sets = {}
        for name in predicted_sets(declared["predictions"]):
            spec = {"file": print_of, "split": name}
            sets[name] = self._job(
                "predict",
                label(Path(declared["predictions"]).stem, "on", name),
                spec,
                {"dataset": dataset},
                [],
                part=name,
            )
        self.plan.add(f"{arm}/seed-{seed}/predict", "predict", list(sets.values()), [need])
        return sets

    def _evaluate(self, arm: str, seed: int, sets: dict[str, Job], needs: list[str]) -> None:
        declared = self.study["arms"][arm]
        dataset, _ = self._dataset(declared["dataset"], seed)
        for family, options in self.study["evaluate"].items():
            card = self.registry.card("evaluation", family)
            if card.follows:
                continue
            jobs, records = {}, list(needs)
            for part, single in self._parts(card, options):
                inputs = {"dataset": dataset}
                wanted = [*card.reads]
                if "ood" in wanted:
                    wanted += self._outliers()
                detector = self._detector(card, single)
                reads = self.registry.card("detector", detector["method"]).reads if detector else []
                wanted += reads
                if detector and single.get("tune"):
                    wanted += ["val", single["tune"]["on"]]
                if "external" in wanted:
                    wanted += self._external()
                if declared["predictions"] and not set(wanted) <= {"ood", *sets}:
                    continue  # made elsewhere, without a model or without these sets
                inputs |= {f"set/{name}": sets[name] for name in wanted if name in sets}
                if "model" in card.reads:
                    inputs["model"], _ = self._models[arm, seed]
                    inputs |= self._made_by(inputs["model"])
                if detector:
                    more, others = self._for_detector(arm, seed, detector, reads, inputs)
                    inputs |= more
                    records += others
                spec = {"family": family, "options": single}
                if "images" in card.reads:
                    spec["tta"] = declared["tta"]
                if self.study["datasets"][declared["dataset"]]["private"] and _names_groups(card):
                    spec["private"] = True
                if "external" in wanted:
                    inputs |= {f"external/{name}": self._elsewhere(arm, seed, name)[0] for name in self._external()}
                if "seeds" in card.reads:
                    seeds = self.study["seeds"]
                    inputs |= {f"seeds/{place}": self._predict(arm, one)[0]["test"] for place, one in enumerate(seeds)}
                    spec["place"] = seeds.index(seed)
                    records += [f"{arm}/seed-{one}/predict" for one in seeds]
                named = sets["test"].label.removesuffix("-on-test")
                words = [entry["method"] for option in list(card.methods)[:1] for entry in single[option]]
                jobs[part] = self._job(
                    "evaluate",
                    label(named, family, *words),
                    spec,
                    inputs,
                    [card, *self._named_methods(card, single)],
                    part=part,
                )
            self._evaluated[arm, seed, family] = jobs
            self.plan.add(f"{arm}/seed-{seed}/{family}", "evaluate", list(jobs.values()), records)

    def _follow(self, arm: str, seed: int) -> None:
        """The families that read what others found for this arm and for the one that they measure it against."""
        for family, options in self.study["evaluate"].items():
            card = self.registry.card("evaluation", family)
            if not card.follows:
                continue
            path = f"{arm}/seed-{seed}/{family}"
            found = self._evaluated[arm, seed, card.follows]
            # The own results come from the same rule, so that nothing else has to be there before it.
            needs = list(self.plan.records[f"{arm}/seed-{seed}/{card.follows}"].needs)
            inputs = {f"found/{number}": job for number, job in enumerate(found.values())}
            reference = options.get("reference")
            if reference is not None:
                others = self._evaluated[reference, seed, card.follows]
                inputs |= {f"reference/{number}": job for number, job in enumerate(others.values())}
                needs += [f"{reference}/seed-{seed}/{card.follows}"] if reference != arm else []
            jobs = {}
            if found:
                dataset, _ = self._dataset(self.study["arms"][arm]["dataset"], seed)
                name = label(next(iter(found.values())).label, "summary")
                spec = {"family": family, "options": options}
                jobs[family] = self._job("evaluate", name, spec, inputs | {"dataset": dataset}, [card], part=family)
            self._evaluated[arm, seed, family] = jobs
            self.plan.add(path, "evaluate", list(jobs.values()), needs)

    def _parts(self, card: Card, options: Entry) -> list[tuple[str, Entry]]:
        """One part for each method that a family runs, so that adding one recomputes none of the others."""
        for option, kind in card.methods.items():
            entries = list(options[option])
            for name in card.always:
                if name not in [entry["method"] for entry in entries]:
                    defaults = {key: value.default for key, value in self.registry.card(kind, name).options.items()}
                    entries.append({"method": name, **defaults})
            return [
                (f"{card.name}/{entry['method']}", self._of_one(options, entry["method"]) | {option: [entry]})
                for entry in entries
            ]
        return [(card.name, options)]

    def _of_one(self, options: Entry, detector: str) -> Entry:
        """The options without what tunes others than this detector."""
        tune = options.get("tune")
        if not tune:
            return dict(options)
        grids = {name: grid for name, grid in tune["grids"].items() if name == detector}
        return {**options, "tune": {"on": tune["on"], "grids": grids} if grids else None}

    def _detector(self, card: Card, options: Entry) -> Entry | None:
        """The entry of the detector that a part runs, if it runs one."""
        found: Iterable[Entry] = (
            entry for option, kind in card.methods.items() if kind == "detector" for entry in options[option]
        )
        return next(iter(found), None)

    def _for_detector(
        self, arm: str, seed: int, detector: Entry, reads: list[str], inputs: dict[str, Job]
    ) -> tuple[dict[str, Job], list[str]]:
        """What a detector reads beside the predictions among `inputs`, and the records that this needs."""
        predicted = {role: job for role, job in inputs.items() if role.startswith("set/")}
        more: dict[str, Job] = {}
        needs: list[str] = []
        if "head" in reads or "model" in reads:
            more["model"], _ = self._models[arm, seed]
        if "model" in reads:
            for role, job in predicted.items():
                more[role.replace("set/", "images/")] = self.plan.jobs[job.inputs["dataset"]]
        for number, other in enumerate(self._ensemble(seed, detector) if "seeds" in reads else []):
            sets, (path, *_) = self._predict(arm, other)
            needs.append(path)
            for role in predicted:
                more[f"other/{number}/{role}"] = sets[role.removeprefix("set/")]
        return more, needs

    def _ensemble(self, seed: int, detector: Entry) -> list[int]:
        """The other seeds of the ensemble that a seed starts; none for one that starts none."""
        seeds = self.study["seeds"]
        size = detector["members"] or len(seeds)
        place = seeds.index(seed)
        group: list[int] = seeds[place : place + size]
        return group[1:] if place % size == 0 and len(group) == size else []

    def _named_methods(self, card: Card, options: Entry) -> list[Card]:
        return [found for option, kind in card.methods.items() for found in self._cards(kind, options[option])]


def _names_groups(card: Card) -> bool:
    """Whether an evaluation tells of groups by name, which those of a private dataset may not be."""
    return any("groups" in metric.keys.values() for metric in card.metrics.values())
