"""The planner: a resolved study becomes jobs and records.

Each `_plan_*` method adds the jobs of one stage. A spec holds what the computation uses and nothing that only names
things, so that equal work has equal digests whatever a study calls it.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from assay.data.own.walk import UnreadableError
from assay.study import own_data
from assay.study.alterations import KINDS_OF_DATA, draws_alteration, files_of, reshapes, varied
from assay.study.circles import PARENTS
from assay.study.code import Code
from assay.study.curation import asks
from assay.study.errors import ConfigError, Problem
from assay.study.jobs import STAGES, Job, Plan, Record, digest_of, label
from assay.study.registry import Card, Registry

Entry = dict[str, Any]

#: What of an arm its training depends on.
_TRAINED_BY = (
    "model", "trainable", "recipe", "augment", "loss", "rebalance", "robust", "dropout", "sparse", "mup",
    "precision", "deterministic", "compile", "threads", "devices",
)  # fmt: skip

#: What of it shapes further training too, by methods that adjust or compress.
_TRAINED_FURTHER_BY = ("recipe", "augment", "loss", "rebalance", "precision", "deterministic", "threads")


#: Keys of a dataset that count images, with what stands before the number in a label.
_COUNTED = {"subset": "n", "labels": "l", "resolution": "r", "channels": "c"}
#: Options that say how strong an alteration is, for its label.
_STRENGTHS = ("ratio", "rate", "correlation", "share", "alpha")


#: The seed under which tuning happens: it is none of a study's, so that the chosen point runs on fresh ones.
_TUNING = -1


def plan(study: dict[str, Any], registry: Registry, code: Code) -> Plan:
    """Compile a resolved study (see `assay.study.load`) into jobs and records."""
    return Planner(study, registry, code).run()


class Planner:
    """Walks a resolved study once and fills a plan."""

    def __init__(self, study: dict[str, Any], registry: Registry, code: Code):
        self.study = study
        self.registry = registry
        self.code = code
        self.plan = Plan(study)
        self._data: dict[tuple[str, int, str], tuple[Job, str]] = {}
        self._prints: dict[str, str | None] = {}
        self._models: dict[tuple[str, int], tuple[Job, str]] = {}
        self._evaluated: dict[tuple[str, int, str], dict[str, Job]] = {}

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
        self._claims()
        everything = list(self.plan.records.values())
        for stage in ("report", "track"):
            code = [self.code.package(stage), self.code.package("figures")]
            digest = digest_of([stage, *code, *(record.digest for record in everything)])
            needs = [record.path for record in everything] + (["report"] if stage == "track" else [])
            self.plan.records[stage] = Record(stage, stage, [], needs, digest)
        return self.plan

    # -- what a job is made of -------------------------------------------------------------------------------

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
        called = [[*key, card.module, card.attribute, _plugin_file(card)] for key, card in sorted(cards.items())]
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

    # -- data ------------------------------------------------------------------------------------------------

    def _shaper(self, name: str) -> str:
        """The dataset of a chain of `from` that last gave the images their shape: the one it starts at, or later."""
        while self.study["datasets"][name]["from"] and not reshapes(self.study["datasets"][name]):
            name = self.study["datasets"][name]["from"]
        return name

    def _data_streams(self, name: str) -> tuple[str, ...]:
        declared = self.study["datasets"][name]
        streams = []
        if declared["source"]:
            streams.append("generator")
        if declared["split"]:
            streams.append("split")
        if draws_alteration(declared):
            streams.append("alteration")
        return tuple(streams)

    def _varies(self, name: str | None) -> bool:
        while name:
            if varied(self.study["datasets"][name], self.study["vary"]):
                return True
            name = self.study["datasets"][name]["from"]
        return False

    def _data_seeds(self, name: str) -> list[int]:
        return list(self.study["seeds"]) if self._varies(name) else [0]

    def _dataset(self, name: str, seed: int, like: str | None = None) -> tuple[Job, str]:
        """The job of a dataset under a seed, and the path of its record."""
        declared = self.study["datasets"][name]
        seed = seed if self._varies(name) else 0
        like = like or declared["like"]
        key = (name, seed, like or "")
        if key in self._data:
            return self._data[key]
        inputs: dict[str, Job] = {}
        needs: list[str] = []
        if declared["from"]:
            inputs["parent"], need = self._dataset(declared["from"], seed)
            needs.append(need)
        if like:
            inputs["like"], need = self._dataset(like, seed)
            needs.append(need)
        streams = self._streams(seed, *self._data_streams(name))
        streams.update({"generator": 0} if "generator" in streams else {})
        curators, modules = self._curators(name, seed, inputs, needs)
        spec = {key: value for key, value in declared.items() if key not in ("from", "like", "private", "curate")}
        if declared["curate"]:
            spec["curate"] = [
                {key: value for key, value in entry.items() if key not in PARENTS} for entry in declared["curate"]
            ]
        if declared["split"] and declared["split"]["folds"]:
            # Seeds choose among the folds of one permutation, so that those of a study share no test image.
            folds, chosen = declared["split"]["folds"], declared["split"]["fold"] or 0
            spec["split"] = {**declared["split"], "fold": seed % folds if "split" in self.study["vary"] else chosen}
            streams["split"] = 0
        spec = {**spec, **self._fingerprint(name), "streams": streams}
        if self.study["scale"] == "smoke":
            if spec["subset"]:
                # A cap, where a user's own subset asks for as many images as it says.
                spec["limit"] = spec.pop("subset")
            if spec["labels"] or spec["imbalance"]:
                spec["most"] = True
        entries = [declared[kind] for kind in KINDS_OF_DATA if kind != "source" and declared[kind]]
        altered = [f"{entry['method']}{_shown(_strength(entry))}" for entry in entries]
        altered += [f"{word}{declared[key]}" for key, word in _COUNTED.items() if declared[key]]
        altered += [f"fold{spec['split']['fold']}"] if spec["split"] and spec["split"]["folds"] else []
        altered += [entry["method"] for entry in declared["curate"]]
        base = inputs["parent"].label if declared["from"] else declared["source"]["method"]
        number = _number(spec) if any(streams.values()) else ""
        job = self._job(
            "data",
            label(base, *altered, number),
            spec,
            inputs,
            [*(card for kind in KINDS_OF_DATA for card in self._card(kind, declared[kind])), *curators],
            modules=modules,
        )
        job.mirror = self.study["mirror"] if declared["source"] else None
        path = f"datasets/{name}" + (f"-like-{like}" if like and like != declared.get("like") else "")
        path += f"/seed-{seed}" if self._varies(name) else ""
        self.plan.add(path, "data", [job], needs)
        self._data[key] = (job, path)
        return self._data[key]

    def _curators(self, name: str, seed: int, inputs: dict[str, Job], needs: list[str]) -> tuple[list[Card], list[str]]:
        """The methods and further modules that curate a dataset; what they ask others for joins `inputs` and `needs`.

        A dataset that is the same under all seeds asks the model of the first one.
        """
        asked = seed if self._varies(name) else self.study["seeds"][0]
        cards: list[Card] = []
        modules: list[str] = []
        for number, entry in enumerate(self.study["datasets"][name]["curate"]):
            card = self.registry.card("curate", entry["method"])
            cards.append(card)
            wanted, role = asks(card, entry), f"curate/{number}"
            if entry["arm"]:
                model, need = self._model(entry["arm"], asked)
                needs.append(need)
                if wanted & {"features", "logits"}:
                    inputs[f"{role}/model"] = model
                if "dynamics" in wanted:
                    inputs[f"{role}/dynamics"] = self._made_by(model)["train"]
                    needs.append(f"{_stem(entry['arm'], asked)}/train")
            elif entry["encoder"]:
                inputs[f"{role}/model"], need = self._encoder(entry["encoder"], asked)
                needs.append(need)
            elif entry["as-many-as"]:
                inputs[f"{role}/size"], need = self._dataset(entry["as-many-as"], seed)
                needs.append(need)
            if f"{role}/model" in inputs:
                section = self.study["arms"][entry["arm"]] if entry["arm"] else self.study["encoders"][entry["encoder"]]
                cards += self._card("model", section["model"])
                modules.append("assay.train.infer")
        return cards, modules

    def _watched(self, arm: str) -> set[int]:
        """The seeds of an arm whose training a curator asks about."""
        found: set[int] = set()
        for name, dataset in self.study["datasets"].items():
            for entry in dataset["curate"]:
                if entry["arm"] == arm and "dynamics" in asks(self.registry.card("curate", entry["method"]), entry):
                    found |= {*self.study["seeds"], _TUNING} if self._varies(name) else {self.study["seeds"][0]}
        return found

    def _fingerprint(self, name: str) -> Entry:
        """What tells a spec that a user's own images changed; taken once for each dataset."""
        if name not in self._prints:
            try:
                self._prints[name] = own_data.fingerprint(self.study["datasets"][name]["source"] or {})
            except UnreadableError as error:
                raise ConfigError(Problem(str(error), path=f"datasets.{name}.source.path")) from None
        made: Entry = {"fingerprint": self._prints[name]} if self._prints[name] else {}
        files = {key: path for key, path in files_of(self.study["datasets"][name]).items() if key != "source"}
        found = {key: _fingerprint(path)["sha256"] for key, path in files.items() if Path(path).is_file()}
        return {**made, "fingerprints": found} if found else made

    # -- generators, encoders, synthetic sets ----------------------------------------------------------------

    def _replicate(self, declared: Entry, seed: int) -> tuple[int, int]:
        """Which generator or encoder a trial with a seed uses, and the number in its record's path.

        Where the dataset itself differs by seed each trial has its own, fitted to the images that the trial may see:
        one of another seed could have learnt what this trial is tested on.
        """
        number = seed % declared["seeds"]
        return number, seed if self._varies(declared["dataset"]) else number

    def _generator(self, name: str, seed: int) -> tuple[Job, str]:
        declared = self.study["generators"][name]
        number, place = self._replicate(declared, seed)
        dataset, need = self._dataset(declared["dataset"], place)
        spec = {key: declared[key] for key in ("method", "precision", "threads")}
        spec["streams"] = {"generator": number}
        method = declared["method"]["method"]
        job = self._job(
            "generator",
            label(dataset.label, method, _number(spec)),
            spec,
            {"dataset": dataset},
            self._card("generator", declared["method"]),
        )
        path = f"generators/{name}/seed-{place}"
        self.plan.add(path, "generator", [job], [need])
        return job, path

    def _synthetic(self, arm: str, seed: int, stem: str) -> tuple[Job, str] | None:
        use = self.study["arms"][arm]["synthetic"]
        if use is None:
            return None
        dataset, data_need = self._dataset(self.study["arms"][arm]["dataset"], seed)
        generator, need = self._generator(use["generator"], seed)
        inputs, needs = {"generator": generator, "dataset": dataset}, [need, data_need]
        spec = {key: use[key] for key in ("balance", "per-class", "ratio", "sampler", "filter")}
        spec |= {key: generator.spec[key] for key in ("precision", "streams")}
        spec["soft"] = use["labels"] == "soft"
        methods = [*self._card("generator", generator.spec["method"]), *self._card("sampler", use["sampler"])]
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
        number, place = self._replicate(declared, seed)
        dataset, need = self._dataset(declared["dataset"], place)
        spec = {key: declared[key] for key in ("method", "model", "recipe", "augment", "precision", "threads")}
        spec["streams"] = dict.fromkeys(("init", "order", "augment"), number)
        job = self._job(
            "pretrain",
            label(dataset.label, declared["model"]["method"], declared["method"]["method"], _number(spec)),
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

    # -- a trial ---------------------------------------------------------------------------------------------

    def _trial(self, arm: str, seed: int) -> None:
        declared = self.study["arms"][arm]
        if declared["predictions"]:
            sets = self._foreign_predictions(arm, seed)
            needs = [f"{arm}/seed-{seed}/predict"]
        else:
            model, need = self._model(arm, seed)
            sets, needs = self._predict(arm, seed, model, need)
        self._evaluate(arm, seed, sets, needs)

    def _model(self, arm: str, seed: int) -> tuple[Job, str]:
        """The job that makes the final model of a trial, and the record that holds it."""
        key = (arm, seed)
        if key not in self._models:
            job, path = self._train(arm, seed)
            for stage in ("adjust", "compress"):
                job, path = self._altered(stage, arm, seed, job, path)
            self._models[key] = job, path
        return self._models[key]

    def _train(
        self, arm: str, seed: int, stem: str | None = None, choice: dict[str, Any] | None = None, further: int = 0
    ) -> tuple[Job, str]:
        """The job that trains a model, and its record; a `further` one (1, 2, ...) of a trial has its start alone."""
        declared = self.study["arms"][arm]
        stem = (stem or _stem(arm, seed)) + (f"-further-{further}" if further else "")
        path = f"{stem}/train"
        dataset, need = self._dataset(declared["dataset"], seed)
        inputs, needs = {"dataset": dataset}, [need]
        if declared["weights"]:
            spec = {"weights": _fingerprint(declared["weights"]), "model": declared["model"]}
            job = self._job(
                "train", label(Path(declared["weights"]).stem), spec, inputs, self._card("model", declared["model"])
            )
            self.plan.add(path, "train", [job], needs)
            return job, path
        spec = {key: declared[key] for key in _TRAINED_BY}
        spec["streams"] = self._streams(seed, "init", "order", "augment")
        if further:
            # Numbers that no seed has, and not those of another trial either.
            spec["streams"] |= dict.fromkeys(("order", "augment"), _TUNING - further - 64 * (seed - _TUNING))
        synthetic = declared["synthetic"]
        spec["synthetic"] = {key: synthetic[key] for key in ("mix", "labels", "gate")} if synthetic else None
        spec["distill"] = None
        spec["taught"] = _taught(declared)
        words = [dataset.label, declared["model"]["method"]]
        words += [declared["trainable"]["method"]] if declared["trainable"]["method"] != "all" else []
        words += [entry["method"] for entry in declared["augment"]]
        words += [declared[kind]["method"] for kind in ("rebalance", "robust", "dropout", "sparse") if declared[kind]]
        spec["init"] = self._init(declared, seed, inputs, needs)
        words += [inputs["encoder"].spec["method"]["method"]] if "encoder" in inputs else []
        words += [declared["init"]["method"]] if "method" in (declared["init"] or {}) else []
        made = self._synthetic(arm, seed, stem)
        if made:
            inputs["synthetic"], need = made
            needs.append(need)
            words.append(synthetic["generator"])
        if declared["distill"]:
            lesson = declared["distill"]
            spec["distill"] = {
                key: value for key, value in lesson.items() if key not in ("teacher", "images", "repeat")
            }
            words.append(lesson["method"] + (f"-{lesson['repeat']}" if lesson["repeat"] else ""))
            for number, teacher in enumerate(self._teacher_seeds(lesson["teacher"], seed)):
                inputs[f"teacher/{number}"], need = self._model(lesson["teacher"]["arm"], teacher)
                needs.append(need)
        methods = [*self._training_methods(declared), *self._card("init", _drawn(declared))]
        if choice is not None:
            spec["choice"] = choice
        elif seed in self._watched(arm) and not further:
            spec["dynamics"] = True
        modules = []
        if declared["together"] and not further:
            spec["together"] = True
            modules.append("assay.train.together.job")
        if choice is None and declared["search"]:
            inputs["search"] = self._searched(arm)
            needs.append(f"{arm}/search")
        job = self._job("train", label(*words, _number(spec)), spec, inputs, methods, modules=modules)
        self.plan.add(path, "train", [job], needs)
        return job, path

    def _init(self, declared: Entry, seed: int, inputs: dict[str, Job], needs: list[str]) -> Entry | None:
        """What a spec says of where an arm starts; an encoder joins `inputs` and `needs`."""
        init = declared["init"] or {}
        if "encoder" in init:
            inputs["encoder"], need = self._encoder(init["encoder"], seed)
            needs.append(need)
        return {"weights": _fingerprint(init["weights"])} if "weights" in init else _drawn(declared)

    def _training_methods(self, declared: Entry) -> list[Card]:
        cards = [
            *self._card("model", declared["model"]),
            *self._card("trainable", declared["trainable"]),
            *self._card("recipe", declared["recipe"]),
            *self._card("loss", declared["loss"]),
            *self._card("rebalance", declared["rebalance"]),
            *self._card("robust", declared["robust"]),
            *self._card("dropout", declared["dropout"]),
            *self._card("sparse", declared["sparse"]),
            *self._card("distill", declared["distill"]),
            *self._cards("augment", declared["augment"]),
        ]
        for point in (declared["search"] or {}).get("points", []):
            for path, value in point.items():
                kind, _, rest = path.partition(".")
                if rest == "method":
                    cards += self._card(kind, {"method": value})
                elif not rest:
                    chosen = value if isinstance(value, list) else [value]
                    cards += self._cards(kind, [entry for entry in chosen if isinstance(entry, dict)])
        return cards

    def _teacher_seeds(self, teacher: Entry | None, seed: int) -> list[int]:
        if teacher is None:
            return []
        if teacher["seed"] == "all":
            return list(self.study["seeds"])
        return [seed if teacher["seed"] == "same" else teacher["seed"]]

    def _altered(self, stage: str, arm: str, seed: int, model: Job, need: str) -> tuple[Job, str]:
        """The jobs that adjust or compress a trained model, one after the other."""
        declared = self.study["arms"][arm]
        jobs, needs = [], [need]
        for entry in declared[stage]:
            dataset, dataset_need = self._dataset(declared["dataset"], seed)
            needs.append(dataset_need)
            spec = {key: declared[key] for key in _TRAINED_FURTHER_BY}
            spec |= {"method": entry, "streams": self._streams(seed, "init", "order", "augment")}
            inputs = {"dataset": dataset, "model": model}
            if declared["search"]:
                inputs["search"] = self._searched(arm)
            card = self.registry.card(stage, entry["method"])
            methods = [*self._card(stage, entry), *self._training_methods(declared)]
            if "start" in card.reads:
                spec |= {key: declared[key] for key in ("model", "mup")}
                spec |= {"init": self._init(declared, seed, inputs, needs), "taught": _taught(declared)}
                methods += self._card("init", _drawn(declared))
            if "models" in card.reads:
                self._others(arm, seed, entry, inputs, needs)
                spec["method"] = {key: value for key, value in entry.items() if key not in ("arms", "further")}
            model = self._job(
                stage,
                label(dataset.label, declared["model"]["method"], entry["method"], _number(spec)),
                spec,
                inputs,
                methods,
            )
            jobs.append(model)
        if not jobs:
            return model, need
        path = f"{_stem(arm, seed)}/{stage}"
        self.plan.add(path, stage, jobs, needs)
        return model, path

    def _others(self, arm: str, seed: int, entry: Entry, inputs: dict[str, Job], needs: list[str]) -> None:
        """The further trained models that a method of kind compress asks for join `inputs` and `needs`."""
        made = [self._model(other, seed) for other in entry["arms"]]
        made += [self._train(arm, seed, further=number + 1) for number in range(entry["further"])]
        for number, (job, need) in enumerate(made):
            inputs[f"other/{number}"] = job
            needs.append(need)

    def _searched(self, arm: str) -> Job:
        """The job that chose the point of a tuned arm."""
        if f"{arm}/search" not in self.plan.records:
            self._search(arm)
        return self.plan.jobs[self.plan.records[f"{arm}/search"].jobs[0]]

    def _search(self, arm: str) -> None:
        """Tuning: every declared point is trained under a stream of its own and judged on validation alone."""
        declared = self.study["arms"][arm]
        metric = declared["search"]["by"].removeprefix("val.")
        inputs, needs = {}, []
        for number, point in enumerate(declared["search"]["points"]):
            stem = f"{arm}/tune-{number}"
            model, need = self._train(arm, _TUNING, stem, choice=point)
            dataset, _ = self._dataset(declared["dataset"], _TUNING)
            predictions = self._prediction(arm, model, dataset, "val")
            self.plan.add(f"{stem}/predict", "predict", [predictions], [need])
            inputs[f"val/{number}"] = predictions
            needs.append(f"{stem}/predict")
        spec = {"points": declared["search"]["points"], "by": metric}
        self.plan.add(f"{arm}/search", "search", [self._job("search", label(model.label), spec, inputs, [])], needs)

    # -- predictions and evaluations -------------------------------------------------------------------------

    def _prediction(self, arm: str, model: Job, dataset: Job, name: str, split: str | None = None) -> Job:
        split = split or name
        spec = {"split": split, "keep": self.study["keep"], "threads": model.spec.get("threads", 1)}
        spec["tta"] = tta = self.study["arms"][arm]["tta"]
        methods = self._card("model", model.spec.get("model")) if "model" in model.spec else []
        return self._job(
            "predict",
            label(model.label, *([tta] if tta != "none" else []), "on", split if name == split else dataset.label),
            spec,
            {"model": model, "dataset": dataset},
            methods,
            part=name,
        )

    def _outliers(self) -> list[str]:
        options = self.study["evaluate"].get("ood") or {}
        return list(dict.fromkeys([*options.get("near", []), *options.get("far", [])]))

    def _predict(self, arm: str, seed: int, model: Job, need: str) -> tuple[dict[str, Job], list[str]]:
        declared = self.study["arms"][arm]
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
            like = self._shaper(declared["dataset"]) if self.study["datasets"][name].get("like") else None
            outlier, outlier_need = self._dataset(name, seed, like)
            sets[name] = self._prediction(arm, model, outlier, name, "test")
            needs.append(outlier_need)
        path = f"{arm}/seed-{seed}/predict"
        self.plan.add(path, "predict", list(sets.values()), needs)
        return sets, [path, need, data_need]

    def _foreign_predictions(self, arm: str, seed: int) -> dict[str, Job]:
        declared = self.study["arms"][arm]
        dataset, need = self._dataset(declared["dataset"], seed)
        print_of = _fingerprint(declared["predictions"])
        sets = {}
        for name in _predicted_sets(declared["predictions"]):
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
            jobs = {}
            for part, single in self._parts(card, options):
                inputs = {"dataset": dataset}
                wanted = [*card.reads]
                if "ood" in wanted:
                    wanted += self._outliers()
                if declared["predictions"] and not set(wanted) <= {"ood", *sets}:
                    continue  # made elsewhere, without a model or without these sets
                inputs |= {f"set/{name}": sets[name] for name in wanted if name in sets}
                if "model" in wanted:
                    inputs["model"], _ = self._models[arm, seed]
                    inputs |= self._made_by(inputs["model"])
                named = sets["test"].label.removesuffix("-on-test")
                jobs[part] = self._job(
                    "evaluate",
                    label(named, family, *(entry["method"] for option in card.methods for entry in single[option])),
                    {"family": family, "options": single},
                    inputs,
                    [card, *self._named_methods(card, single)],
                    part=part,
                )
            self._evaluated[arm, seed, family] = jobs
            self.plan.add(f"{arm}/seed-{seed}/{family}", "evaluate", list(jobs.values()), needs)

    def _made_by(self, model: Job) -> dict[str, Job]:
        """The training of a model as `train`, and what was done to it afterwards as `adjust/0`, `compress/1`, ..."""
        chain = []
        while model.stage in ("adjust", "compress"):
            chain.append(model)
            model = self.plan.jobs[model.inputs["model"]]
        return {"train": model} | {f"{job.stage}/{number}": job for number, job in enumerate(reversed(chain))}

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

    # -- claims ----------------------------------------------------------------------------------------------

    def _claims(self) -> None:
        if not self.study["claims"]:
            return
        from assay.claims.language import metrics_in

        inputs, needs = {}, set()
        for claim in self.study["claims"]:
            for wanted in metrics_in(claim["tree"]):
                family = self._family_of(wanted["metric"])
                for seed in self.study["seeds"]:
                    jobs = self._evaluated[wanted["arm"], seed, family]
                    for part, job in jobs.items():
                        inputs[f"{wanted['arm']}/{seed}/{part}"] = job
                    needs.add(f"{wanted['arm']}/seed-{seed}/{family}")
        claims = [{key: claim[key] for key in ("tree", "alpha", "primary")} for claim in self.study["claims"]]
        spec = {"claims": claims, "seeds": self.study["seeds"]}
        job = self._job("claims", f"of-{len(claims)}", spec, inputs, self._cards("evaluation", self._families()))
        self.plan.add("claims", "claims", [job], sorted(needs))

    def _families(self) -> list[Entry]:
        return [{"method": family} for family in self.study["evaluate"]]

    def _family_of(self, metric: str) -> str:
        for family in self.study["evaluate"]:
            if metric in self.registry.card("evaluation", family).metrics:
                return family
        raise KeyError(metric)


def _drawn(declared: Entry) -> Entry | None:
    """The entry of kind init by which an arm's weights are drawn, if there is one."""
    init: Entry | None = declared["init"]
    return init if init and "method" in init else None


def _taught(declared: Entry) -> Entry | None:
    """Which images an arm is taught on, and of which generation it is."""
    lesson = declared["distill"]
    return {key: lesson[key] for key in ("images", "repeat")} if lesson else None


def _stem(arm: str, seed: int) -> str:
    """Where the records of a trial stand; a model under the seed of tuning is there to teach an arm that is tuned."""
    return f"{arm}/" + ("tune-teacher" if seed == _TUNING else f"seed-{seed}")


def _strength(entry: Entry) -> Any:
    """The option that says how strong an alteration is; empty when there is none."""
    return next((entry[key] for key in _STRENGTHS if entry.get(key) is not None), "")


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _number(spec: Entry) -> str:
    """The streams of a spec in a label: `s3` when all are at 3, else each with its initial."""
    streams = spec["streams"]
    if len(set(streams.values())) == 1:
        return f"s{next(iter(streams.values()))}"
    return "".join(f"{name[0]}{number}" for name, number in sorted(streams.items()))


def _plugin_file(card: Card) -> str:
    return "" if card.module.startswith("assay.") else str(card.file)


def _fingerprint(path: str) -> Entry:
    """A file that was made elsewhere, as a spec holds it: where it is read from and what is in it."""
    with open(path, "rb") as file:
        return {"file": path, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _predicted_sets(path: str) -> list[str]:
    """The sets of which an archive of predictions holds logits."""
    with zipfile.ZipFile(path) as archive:
        return sorted(name.removesuffix(".logits.npy") for name in archive.namelist() if name.endswith(".logits.npy"))
