"""The planner's predictions and evaluations."""

from __future__ import annotations

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
        outliers = self._outliers()
        own = ["val", "test"]
        if any("train" in self.registry.card("evaluation", family).reads for family in self.study["evaluate"]):
            own.append("train")
        if "hold-out" in outliers:
            own.append("hold-out")
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
            jobs, records = {}, list(needs)
            for part, single in self._parts(card, options):
                inputs = {"dataset": dataset}
                wanted = [*card.reads]
                if "ood" in wanted:
                    wanted += self._outliers()
                if "external" in wanted:
                    wanted += self._external()
                if declared["predictions"] and not set(wanted) <= {"ood", *sets}:
                    continue  # made elsewhere, without a model or without these sets
                inputs |= {f"set/{name}": sets[name] for name in wanted if name in sets}
                if "model" in wanted:
                    inputs["model"], _ = self._models[arm, seed]
                    inputs |= self._made_by(inputs["model"])
                spec = {"family": family, "options": single}
                if "external" in wanted:
                    inputs |= {f"external/{name}": self._elsewhere(arm, seed, name)[0] for name in self._external()}
                if "seeds" in wanted:
                    seeds = self.study["seeds"]
                    inputs |= {f"seeds/{place}": self._predict(arm, one)[0]["test"] for place, one in enumerate(seeds)}
                    spec["place"] = seeds.index(seed)
                    records += [f"{arm}/seed-{one}/predict" for one in seeds]
                named = sets["test"].label.removesuffix("-on-test")
                jobs[part] = self._job(
                    "evaluate",
                    label(named, family, *(entry["method"] for option in card.methods for entry in single[option])),
                    spec,
                    inputs,
                    [card, *self._named_methods(card, single)],
                    part=part,
                )
            self._evaluated[arm, seed, family] = jobs
            self.plan.add(f"{arm}/seed-{seed}/{family}", "evaluate", list(jobs.values()), records)

    def _parts(self, card: Card, options: Entry) -> list[tuple[str, Entry]]:
        """One part for each method that a family runs, so that adding one recomputes none of the others."""
        for option, kind in card.methods.items():
            entries = list(options[option])
            for name in card.always:
                if name not in [entry["method"] for entry in entries]:
                    defaults = {key: value.default for key, value in self.registry.card(kind, name).options.items()}
                    entries.append({"method": name, **defaults})
            return [(f"{card.name}/{entry['method']}", {**options, option: [entry]}) for entry in entries]
        return [(card.name, options)]

    def _named_methods(self, card: Card, options: Entry) -> list[Card]:
        return [found for option, kind in card.methods.items() for found in self._cards(kind, options[option])]
