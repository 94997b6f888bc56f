"""The planner's trials: how each arm's model comes about under each seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.study.jobs import Job, label
from assay.study.planner.generated import Generated
from assay.study.planner.names import TUNING, Entry, drawing, fingerprint_of, numbers_of, stem_of, teaching
from assay.study.registry import Card

#: What of an arm its training depends on.
TRAINED_BY = (
    "model", "trainable", "recipe", "augment", "loss", "rebalance", "robust", "dropout", "sparse", "mup",
    "precision", "deterministic", "compile", "threads", "devices",
)  # fmt: skip

#: What of it shapes further training too, by methods that adjust or compress.
TRAINED_FURTHER_BY = ("recipe", "augment", "loss", "rebalance", "precision", "deterministic", "threads")


class Trials(Generated):
    """Plans the stages `train`, `adjust`, `compress` and `search`."""

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
        stem = (stem or stem_of(arm, seed)) + (f"-further-{further}" if further else "")
        path = f"{stem}/train"
        dataset, need = self._dataset(declared["dataset"], seed)
        inputs, needs = {"dataset": dataset}, [need]
        if declared["weights"]:
            spec = {"weights": fingerprint_of(declared["weights"]), "model": declared["model"]}
            job = self._job(
                "train", label(Path(declared["weights"]).stem), spec, inputs, self._card("model", declared["model"])
            )
            self.plan.add(path, "train", [job], needs)
            return job, path
        spec = {key: declared[key] for key in TRAINED_BY}
        spec["streams"] = self._streams(seed, "init", "order", "augment")
        if further:
            # Numbers that no seed has, and not those of another trial either.
            spec["streams"] |= dict.fromkeys(("order", "augment"), TUNING - further - 64 * (seed - TUNING))
        synthetic = declared["synthetic"]
        spec["synthetic"] = {key: synthetic[key] for key in ("mix", "labels", "gate")} if synthetic else None
        spec["distill"] = None
        spec["taught"] = teaching(declared)
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
            spec |= self._teachers(lesson["teacher"], seed, inputs, needs)
        methods = [*self._training_methods(declared), *self._card("init", drawing(declared))]
        methods += [card for kind, entry in spec.get("guide", {}).items() for card in self._card(kind, entry)]
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
        job = self._job("train", label(*words, numbers_of(spec)), spec, inputs, methods, modules=modules)
        self.plan.add(path, "train", [job], needs)
        return job, path

    def _init(self, declared: Entry, seed: int, inputs: dict[str, Job], needs: list[str]) -> Entry | None:
        """What a spec says of where an arm starts; an encoder joins `inputs` and `needs`."""
        init = declared["init"] or {}
        if "encoder" in init:
            inputs["encoder"], need = self._encoder(init["encoder"], seed)
            needs.append(need)
        return {"weights": fingerprint_of(init["weights"])} if "weights" in init else drawing(declared)

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

    def _teachers(self, teacher: Entry | None, seed: int, inputs: dict[str, Job], needs: list[str]) -> Entry:
        """What a spec says of who teaches; trained teachers and assistants join `inputs` and `needs`."""
        if teacher and teacher["untrained"]:
            lent = self.study["arms"][teacher["arm"]]
            return {"guide": {"model": lent["model"], "init": drawing(lent)}}
        made = {
            f"teacher/{number}": self._model(teacher["arm"], other)
            for number, other in enumerate(self._teacher_seeds(teacher, seed))
            if teacher
        }
        for number, arm in enumerate(teacher["assistants"] if teacher else []):
            made[f"assistant/{number}"] = self._model(arm, self._teacher_seeds(teacher, seed)[0])
        for role, (job, need) in made.items():
            inputs[role] = job
            needs.append(need)
        return {}

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
            spec = {key: declared[key] for key in TRAINED_FURTHER_BY}
            spec |= {"method": entry, "streams": self._streams(seed, "init", "order", "augment")}
            inputs = {"dataset": dataset, "model": model}
            if declared["search"]:
                inputs["search"] = self._searched(arm)
            card = self.registry.card(stage, entry["method"])
            methods = [*self._card(stage, entry), *self._training_methods(declared)]
            if "start" in card.reads:
                spec |= {key: declared[key] for key in ("model", "mup")}
                spec |= {"init": self._init(declared, seed, inputs, needs), "taught": teaching(declared)}
                methods += self._card("init", drawing(declared))
            if "models" in card.reads:
                self._others(arm, seed, entry, inputs, needs)
                spec["method"] = {key: value for key, value in entry.items() if key not in ("arms", "further")}
            model = self._job(
                stage,
                label(dataset.label, declared["model"]["method"], entry["method"], numbers_of(spec)),
                spec,
                inputs,
                methods,
            )
            jobs.append(model)
        if not jobs:
            return model, need
        path = f"{stem_of(arm, seed)}/{stage}"
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
        if declared["search"]["by"] == "diswot":
            self._search_untrained(arm, declared)
            return
        metric = declared["search"]["by"].removeprefix("val.")
        inputs, needs = {}, []
        for number, point in enumerate(declared["search"]["points"]):
            stem = f"{arm}/tune-{number}"
            model, need = self._train(arm, TUNING, stem, choice=point)
            dataset, _ = self._dataset(declared["dataset"], TUNING)
            predictions = self._prediction(arm, model, dataset, "val")
            self.plan.add(f"{stem}/predict", "predict", [predictions], [need])
            inputs[f"val/{number}"] = predictions
            needs.append(f"{stem}/predict")
        spec = {"points": declared["search"]["points"], "by": metric}
        self.plan.add(f"{arm}/search", "search", [self._job("search", label(model.label), spec, inputs, [])], needs)

    def _search_untrained(self, arm: str, declared: Entry) -> None:
        """The student whose untrained network is most like that of its teacher."""
        dataset, need = self._dataset(declared["dataset"], TUNING)
        spec = {"points": declared["search"]["points"], "by": "diswot", "model": declared["model"]}
        spec["teacher"] = self.study["arms"][declared["distill"]["teacher"]["arm"]]["model"]
        spec |= {"streams": self._streams(TUNING, "init", "order"), "threads": declared["threads"]}
        models = [*self._card("model", declared["model"]), *self._card("model", spec["teacher"])]
        for point in spec["points"]:
            models += self._card("model", point.get("model"))
        job = self._job(
            "search", label(dataset.label, "diswot"), spec, {"dataset": dataset}, models, modules=["assay.train.diswot"]
        )
        self.plan.add(f"{arm}/search", "search", [job], [need])
