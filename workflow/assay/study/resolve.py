"""From the validated model to the resolved study: plain JSON in which nothing is implied."""

from __future__ import annotations

from typing import Any

from assay.study.alterations import KINDS_OF_DATA
from assay.study.beside import add_random_datasets
from assay.study.fields import Entry
from assay.study.methods import Methods
from assay.study.model import Study
from assay.study.model_arm import Arm
from assay.study.model_data import Dataset, Encoder, Generator, options_of
from assay.study.model_synthetic import Synthetic
from assay.study.mup import mup
from assay.study.outliers import spell_out
from assay.study.problems import Path, Problems
from assay.study.registry import Registry
from assay.study.tuning import tuning


class Resolver:
    """Writes a study out; faults go to `problems`."""

    def __init__(self, study: Study, registry: Registry, problems: Problems):
        self.study = study
        self.registry = registry
        self.problems = problems
        self.methods = Methods(registry, problems)

    def resolve(self) -> dict[str, Any]:
        """The resolved study but for claims and scale."""
        study = self.study
        made: dict[str, Any] = {
            "study": study.study,
            "description": study.description,
            **study.seeds,
            "vary": list(study.vary),
            "datasets": {name: self._dataset(value, ("datasets", name)) for name, value in study.datasets.items()},
            "generators": {
                name: self._generator(value, ("generators", name)) for name, value in study.generators.items()
            },
            "encoders": {name: self._encoder(value, ("encoders", name)) for name, value in study.encoders.items()},
            "arms": {name: self._arm(name, value, ("arms", name)) for name, value in study.arms.items()},
            "evaluate": self._evaluate(),
            "resources": {
                stage: value.model_dump(by_alias=True, exclude_none=True) for stage, value in study.resources.items()
            },
            "track": study.track.model_dump(by_alias=True),
            "keep": study.keep.model_dump(by_alias=True),
            "plugins": list(study.plugins),
            "mirror": study.mirror,
        }
        self._outlier_sets(made)
        add_random_datasets(made)
        _pass_privacy_on(made["datasets"])
        return made

    def _dataset(self, dataset: Dataset, path: Path) -> Entry:
        made = dataset.model_dump(
            by_alias=True, exclude={"extends", "curate", "augment", *(kind.replace("-", "_") for kind in KINDS_OF_DATA)}
        )
        for kind in KINDS_OF_DATA:
            made[kind] = self.methods.entry(kind, getattr(dataset, kind.replace("-", "_")), (*path, kind))
        made["augment"] = self.methods.entries("augment", dataset.augment, (*path, "augment"))
        made["curate"] = [
            {
                **(self._beside("curate", entry, (*path, "curate", number)) or {}),
                **entry.model_dump(by_alias=True, include={"arm", "encoder", "as_many_as"}),
            }
            for number, entry in enumerate(dataset.curate)
        ]
        return made

    def _generator(self, generator: Generator, path: Path) -> Entry:
        keys = {"dataset", "teacher", "unbiased", "encoder", "halves", "seeds", "precision", "threads"}
        return {"method": self._beside("generator", generator, path), **generator.model_dump(include=keys)}

    def _encoder(self, encoder: Encoder, path: Path) -> Entry:
        return {
            "method": self._beside("pretrain", encoder, path),
            "dataset": encoder.dataset,
            "model": self.methods.entry("model", encoder.model, (*path, "model")),
            "recipe": self.methods.entry("recipe", encoder.recipe, (*path, "recipe")),
            "augment": self.methods.entries("augment", encoder.augment, (*path, "augment")),
            "seeds": encoder.seeds,
            "precision": encoder.precision,
            "threads": encoder.threads,
        }

    def _beside(self, kind: str, section: Any, path: Path) -> Entry | None:
        """The entry of a method whose options stand among the keys of a section."""
        return self.methods.entry(kind, {"method": section.method, **options_of(section)}, path)

    def _arm(self, name: str, arm: Arm, path: Path) -> Entry:
        distill = None
        if arm.distill:
            distill = self._beside("distill", arm.distill, (*path, "distill"))
            distill = {**(distill or {}), **arm.distill.model_dump(include={"teacher", "images", "repeat"})}
        made: Entry = {
            "dataset": arm.dataset,
            **{
                kind: self.methods.entry(kind, getattr(arm, kind), (*path, kind))
                for kind in ("model", "trainable", "recipe", "loss", "rebalance", "robust", "dropout", "sparse")
            },
            **{
                kind: self.methods.entries(kind, getattr(arm, kind), (*path, kind))
                for kind in ("augment", "adjust", "compress")
            },
            "synthetic": self._synthetic(arm.synthetic, (*path, "synthetic")) if arm.synthetic else None,
            "init": self._init(arm, (*path, "init")),
            "mup": None,
            "distill": distill,
            **{key: getattr(arm, key) for key in ("precision", "deterministic", "compile")},
            "threads": arm.threads,
            "devices": arm.devices,
            "together": arm.together,
            "tta": arm.tta,
            "weights": arm.weights,
            "predictions": arm.predictions,
        }
        if arm.mup:
            made["mup"] = mup(arm.mup.base_width, made, self.registry, (*path, "mup"), self.problems)
        made["search"] = tuning(name, arm.search, made, self.methods, (*path, "search")) if arm.search else None
        return made

    def _init(self, arm: Arm, path: Path) -> Entry | None:
        if arm.init is None or arm.init.method is None:
            return arm.init.model_dump(exclude_none=True) if arm.init else None
        return self._beside("init", arm.init, path)

    def _synthetic(self, synthetic: Synthetic, path: Path) -> Entry:
        sampler = synthetic.sampler
        generator = self.study.generators.get(synthetic.generator)
        card = self.registry.get("generator", generator.method) if generator else None
        if sampler is None and card and card.sampler:
            sampler = {"method": card.sampler}
        return {
            **synthetic.model_dump(by_alias=True, exclude={"gate", "sampler", "filter"}),
            "sampler": self.methods.entry("sampler", sampler, (*path, "sampler")),
            "filter": self.methods.entry("filter", synthetic.filter, (*path, "filter")),
            "gate": synthetic.gate.model_dump(by_alias=True, exclude_none=True) if synthetic.gate else None,
        }

    def _evaluate(self) -> dict[str, Entry]:
        made = {}
        for family, options in self.study.evaluate.items():
            card = self.registry.get("evaluation", family)
            if card is None:
                self.problems.unknown(
                    ("evaluate", family), "family of metrics", family, self.registry.names("evaluation")
                )
                continue
            made[family] = self.methods.options(card, options, ("evaluate", family))
            if "detector" in card.methods.values():
                spell_out(made[family], self.registry, ("evaluate", family, "tune"), self.problems)
        for name in self.registry.names("evaluation"):
            card = self.registry.card("evaluation", name)
            if card.follows in made and name not in made:
                made[name] = self.methods.options(card, {}, ("evaluate", name))
        # What reads the results of another comes after all others.
        return dict(sorted(made.items(), key=lambda item: bool(self.registry.card("evaluation", item[0]).follows)))

    def _outlier_sets(self, made: dict[str, Any]) -> None:
        """Add the datasets that a built-in source's name under `near` or `far` stands for."""
        for family, options in made["evaluate"].items():
            named: list[tuple[Path, str]] = [
                ((option, number), name)
                for option in ("near", "far")
                for number, name in enumerate(options.get(option) or [])
            ]
            named += [(("tune", "on"), options["tune"]["on"])] if options.get("tune") else []
            for place, name in named:
                if name != "hold-out" and name not in made["datasets"]:
                    path: Path = ("evaluate", family, *place)
                    card = self.registry.get("source", name)
                    if card is None:
                        known = ["hold-out", *made["datasets"], *self.registry.names("source")]
                        self.problems.unknown(path, "dataset or source of images", name, known)
                        continue
                    made["datasets"][name] = {
                        **self._dataset(Dataset.model_validate({"source": {"method": name}}), path),
                        "like": _first_root(made),
                    }


def _pass_privacy_on(datasets: dict[str, Entry]) -> None:
    """What comes from a private dataset is private."""
    for dataset in datasets.values():
        seen = [dataset]
        while seen[-1]["from"] in datasets and datasets[seen[-1]["from"]] not in seen:
            seen.append(datasets[seen[-1]["from"]])
        dataset["private"] = any(each["private"] for each in seen)


def _first_root(made: dict[str, Any]) -> str | None:
    """The dataset at which that of the first arm by name starts; the planner puts each arm's own in its place."""
    name = made["arms"][min(made["arms"])]["dataset"]
    seen: list[str] = []
    while name in made["datasets"] and name not in seen:
        seen.append(name)
        name = made["datasets"][name]["from"] or name
    return name
