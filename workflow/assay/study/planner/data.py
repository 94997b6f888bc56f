"""The planner's datasets: what they are made from, and which seeds make them differ."""

from __future__ import annotations

from pathlib import Path

from assay.data.own.walk import UnreadableError
from assay.study import own_data
from assay.study.alterations import KINDS_OF_DATA, draws_alteration, files_of, reshapes, varied
from assay.study.circles import PARENTS
from assay.study.curation import asks
from assay.study.errors import ConfigError, Problem
from assay.study.jobs import Job, label
from assay.study.planner.base import Base
from assay.study.planner.names import TUNING, Entry, fingerprint_of, numbers_of, shown, stem_of, strength_of
from assay.study.registry import Card

#: Keys of a dataset that count images, with what stands before the number in a label.
COUNTED = {"subset": "n", "labels": "l", "resolution": "r", "channels": "c", "copies": "x"}


class Data(Base):
    """Plans the stage `data`."""

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
        altered = [f"{entry['method']}{shown(strength_of(entry))}" for entry in entries]
        altered += [f"{word}{declared[key]}" for key, word in COUNTED.items() if declared[key]]
        altered += [f"fold{spec['split']['fold']}"] if spec["split"] and spec["split"]["folds"] else []
        altered += [entry["method"] for entry in (*declared["curate"], *declared["augment"])]
        base = inputs["parent"].label if declared["from"] else declared["source"]["method"]
        number = numbers_of(spec) if any(streams.values()) else ""
        job = self._job(
            "data",
            label(base, *altered, number),
            spec,
            inputs,
            [
                *(card for kind in KINDS_OF_DATA for card in self._card(kind, declared[kind])),
                *curators,
                *self._cards("augment", declared["augment"]),
            ],
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
                    needs.append(f"{stem_of(entry['arm'], asked)}/train")
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
                    found |= {*self.study["seeds"], TUNING} if self._varies(name) else {self.study["seeds"][0]}
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
        found = {key: fingerprint_of(path)["sha256"] for key, path in files.items() if Path(path).is_file()}
        return {**made, "fingerprints": found} if found else made
