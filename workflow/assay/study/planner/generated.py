"""The planner's generators, encoders and synthetic sets."""

from __future__ import annotations

from assay.study.circles import seen_by
from assay.study.jobs import Job, label
from assay.study.planner.data import Data
from assay.study.planner.names import Entry, numbers_of
from assay.study.registry import Card


class Generated(Data):
    """Plans the stages `generator`, `synthetic` and `pretrain`."""

    def _replicate(self, declared: Entry, seen: list[str], seed: int) -> tuple[int, int]:
        """Which generator or encoder a trial with a seed uses, and the number in its record's path.

        Where a dataset that it has `seen` differs by seed each trial has its own, fitted to the images that the trial
        may see: one of another seed could have learnt what this trial is tested on.
        """
        number = seed % declared["seeds"]
        return number, seed if any(self._varies(dataset) for dataset in seen) else number

    def _generator(self, name: str, seed: int, half: int | None = None) -> tuple[Job, str]:
        """The job of a generator, or of one that learns from half of the images, and the path of its record."""
        declared = self.study["generators"][name]
        number, place = self._replicate(declared, seen_by(self.study, name), seed)
        dataset, need = self._dataset(declared["dataset"], place)
        spec = {key: declared[key] for key in ("method", "precision", "threads")}
        spec["streams"] = {"generator": number}
        inputs, needs = {"dataset": dataset}, [need]
        if declared["unbiased"]:
            inputs["unbiased"], need = self._dataset(declared["unbiased"], place)
            needs.append(need)
        methods, modules = self._learnt(name), []
        if declared["encoder"]:
            inputs["encoder"], need = self._encoder(declared["encoder"], place)
            needs.append(need)
            methods += self._card("model", self.study["encoders"][declared["encoder"]]["model"])
            modules.append("assay.train.infer")
        if declared["teacher"]:
            inputs["teacher"], need = self._generator(declared["teacher"], place)
            needs.append(need)
        spec |= {} if half is None else {"half": half}
        suffix = "" if half is None else f"-half-{half}"
        method = declared["method"]["method"]
        job = self._job(
            "generator",
            label(dataset.label, method, numbers_of(spec) + suffix),
            spec,
            inputs,
            methods,
            modules=modules,
        )
        path = f"generators/{name}/seed-{place}{suffix}"
        self.plan.add(path, "generator", [job], needs)
        return job, path

    def _learnt(self, name: str) -> list[Card]:
        """The methods of a generator and of those that it was distilled from."""
        declared = self.study["generators"][name]
        own = self._card("generator", declared["method"])
        return [*own, *self._learnt(declared["teacher"])] if declared["teacher"] else own

    def _synthetic(self, arm: str, seed: int, stem: str) -> tuple[Job, str] | None:
        use = self.study["arms"][arm]["synthetic"]
        if use is None:
            return None
        dataset, data_need = self._dataset(self.study["arms"][arm]["dataset"], seed)
        generator, need = self._generator(use["generator"], seed)
        inputs, needs = {"generator": generator, "dataset": dataset}, [need, data_need]
        declared = self.study["generators"][use["generator"]]
        if declared["halves"]:
            _, place = self._replicate(declared, seen_by(self.study, use["generator"]), seed)
            inputs["learnt"], need = self._dataset(declared["dataset"], place)
            needs.append(need)
            for half in (0, 1):
                inputs[f"half/{half}"], need = self._generator(use["generator"], seed, half)
                needs.append(need)
        spec = {key: use[key] for key in ("balance", "per-class", "ratio", "sampler", "filter")}
        spec |= {key: generator.spec[key] for key in ("precision", "threads", "streams")}
        spec["soft"] = use["labels"] == "soft"
        methods = [*self._learnt(use["generator"]), *self._card("sampler", use["sampler"])]
        methods += self._card("filter", use["filter"])
        modules = []
        if use["judge"]:
            inputs["judge"], need = self._model(use["judge"], seed)
            needs.append(need)
            methods += self._card("model", self.study["arms"][use["judge"]]["model"])
            modules.append("assay.train.infer")
        words = [use[key]["method"] for key in ("sampler", "filter") if use[key]]
        words.append("balanced" if use["balance"] else f"x{use['per-class'] or use['ratio']}")
        job = self._job("synthetic", label(generator.label, *words), spec, inputs, methods, modules=modules)
        path = f"{stem}/synthetic"
        self.plan.add(path, "synthetic", [job], needs)
        return job, path

    def _encoder(self, name: str, seed: int) -> tuple[Job, str]:
        declared = self.study["encoders"][name]
        number, place = self._replicate(declared, [declared["dataset"]], seed)
        dataset, need = self._dataset(declared["dataset"], place)
        spec = {key: declared[key] for key in ("method", "model", "recipe", "augment", "precision", "threads")}
        spec["streams"] = dict.fromkeys(("init", "order", "augment"), number)
        job = self._job(
            "pretrain",
            label(dataset.label, declared["model"]["method"], declared["method"]["method"], numbers_of(spec)),
            spec,
            {"dataset": dataset},
            [
                *self._card("pretrain", declared["method"]),
                *self._card("model", declared["model"]),
                *self._card("recipe", declared["recipe"]),
                *self._cards("augment", declared["augment"]),
            ],
        )
        path = f"encoders/{name}/seed-{place}"
        self.plan.add(path, "pretrain", [job], [need])
        return job, path
