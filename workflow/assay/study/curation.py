"""Curated datasets: what each choice asks of which model, and whether that can be had."""

from __future__ import annotations

from typing import Any

from assay.study.circles import circle, made_from
from assay.study.problems import Path, Problems
from assay.study.registry import Card, Registry

Entry = dict[str, Any]

#: What a choice may ask of others: `features` of a model if one is named; `logits` and `dynamics` of an arm; the `size`
#: of another dataset.
ASKED = ("features", "logits", "dynamics", "size")
#: Of an arm's dataset, what must not change the meaning of a label on the way to the one that is curated.
_LABELS = ("classes", "class-map", "label-noise", "poison", "labels")


def asks(card: Card, entry: Entry) -> set[str]:
    """What of `ASKED` an entry needs: what its method always reads, and what one of its options names."""
    values = [value for value in entry.values() if isinstance(value, str)]
    return {word for word in ASKED if word in card.reads or word in values}


def check_curation(study: Entry, registry: Registry, problems: Problems) -> None:
    """Note every fault of the `curate` lists of a resolved study."""
    _Checks(study, registry, problems).run()


class _Checks:
    def __init__(self, study: Entry, registry: Registry, problems: Problems):
        self.study = study
        self.datasets: dict[str, Any] = study["datasets"]
        self.arms: dict[str, Any] = study["arms"]
        self.registry = registry
        self.problems = problems

    def run(self) -> None:
        for name, dataset in self.datasets.items():
            if dataset["curate"]:
                self._dataset(("datasets", name), dataset)
        self._circles()

    def _dataset(self, path: Path, dataset: Entry) -> None:
        if dataset["from"] is None:
            message = "curation chooses among the images of another dataset; name that one under `from`"
            self.problems.add((*path, "curate"), message)
        for key, value in dataset.items():
            altered = any(value.values()) if isinstance(value, dict) else value
            if altered and key not in ("from", "source", "split", "like", "private", "curate"):
                message = (
                    f"`{key}` and `curate` in one dataset leave open which comes first; give `{key}` one of its own"
                )
                self.problems.add((*path, key), message)
        for number, entry in enumerate(dataset["curate"]):
            card = self.registry.get("curate", entry["method"])
            if card is not None:
                self._entry((*path, "curate", number), dataset, entry, card)

    def _entry(self, path: Path, dataset: Entry, entry: Entry, card: Card) -> None:
        wanted = asks(card, entry)
        for key, what, declared in (
            ("arm", "arm", self.arms),
            ("encoder", "encoder", self.study["encoders"]),
            ("as-many-as", "dataset", self.datasets),
        ):
            if entry[key] is not None and entry[key] not in declared:
                self.problems.unknown((*path, key), what, entry[key], declared)
                return
        for key, of in (
            ("arm", {"features", "logits", "dynamics"}),
            ("encoder", {"features"}),
            ("as-many-as", {"size"}),
        ):
            if entry[key] is not None and not wanted & of:
                self.problems.add((*path, key), f"{card.name} asks nothing of it; leave `{key}` out")
        if wanted & {"logits", "dynamics"} and entry["arm"] is None:
            what = "dynamics of a training" if "dynamics" in wanted else "logits of a model"
            self.problems.add(path, f"{card.name} needs the {what}; name an `arm`, such as {self._some_arm(dataset)}")
        elif entry["arm"] is not None:
            self._arm((*path, "arm"), dataset, entry["arm"], wanted)
        if "size" in wanted:
            self._size(path, dataset, entry)

    def _some_arm(self, dataset: Entry) -> str:
        fit = [name for name, arm in self.arms.items() if arm["dataset"] in self._above(dataset["from"])]
        return fit[0] if fit else f"one that learns from {dataset['from']}"

    def _size(self, path: Path, dataset: Entry, entry: Entry) -> None:
        other = entry["as-many-as"]
        if (entry.get("keep") is None) == (other is None):
            self.problems.add(path, f"{entry['method']} needs either `keep` or `as-many-as`")
        elif other is not None and self.datasets[other]["from"] != dataset["from"]:
            self.problems.add((*path, "as-many-as"), f"{other} does not come from {dataset['from']}, as this one does")

    def _above(self, name: str | None) -> list[str]:
        """A dataset and those that it comes from, itself first."""
        seen: list[str] = []
        while name in self.datasets and name not in seen:
            seen.append(name)
            name = self.datasets[name]["from"]
        return seen

    def _arm(self, path: Path, dataset: Entry, name: str, wanted: set[str]) -> None:
        arm = self.arms[name]
        chain = self._above(dataset["from"])
        if arm["predictions"] is not None:
            self.problems.add(path, f"{name} has predictions alone, no model that could be asked")
        elif arm["dataset"] not in chain:
            self.problems.add(
                path,
                f"{name} learns from {arm['dataset']}; expected an arm that learns from {dataset['from']}, which is "
                "curated, or from one which that comes from",
            )
        else:
            self._labels(path, chain[: chain.index(arm["dataset"])], name, wanted)
        if "dynamics" in wanted:
            self._watched(path, name, arm)

    def _labels(self, path: Path, between: list[str], name: str, wanted: set[str]) -> None:
        """Whether labels mean to the arm what they mean in the dataset that is curated."""
        for each in between:
            for key in _LABELS:
                value = self.datasets[each][key]
                if wanted & {"logits", "dynamics"} and (any(value.values()) if isinstance(value, dict) else value):
                    message = f"{name} has other labels than {between[0]}: {each} changes them by `{key}`"
                    self.problems.add(path, message)

    def _watched(self, path: Path, name: str, arm: Entry) -> None:
        """Whether the training of an arm can be watched image by image."""
        if arm["weights"] is not None:
            self.problems.add(path, f"{name} has weights made elsewhere, and nobody watched their training")
        if arm["synthetic"] and arm["synthetic"]["mix"] == "synthetic-only":
            self.problems.add(path, f"{name} learns from synthetic images alone, so no image of the dataset is watched")
        if arm["robust"]:
            message = f"{name} corrects its losses ({arm['robust']['method']}), so none is as it was; name another arm"
            self.problems.add(path, message)
        if arm["devices"] > 1:
            message = f"{name} shares its training among {arm['devices']} devices, and one has to see each image"
            self.problems.add(path, message)
        if arm["recipe"]["method"] == "sam":
            message = f"{name} looks at each batch twice (sam), at weights that it never has; name another arm"
            self.problems.add(path, message)
        for method in [entry["method"] for entry in arm["augment"]]:
            card = self.registry.get("augment", method)
            if card is not None and card.mixes:
                message = (
                    f"{name} mixes images ({method}), so that none has a label of its own to watch; name another arm"
                )
                self.problems.add(path, message)

    # -- circles ---------------------------------------------------------------------------------------------

    def _circles(self) -> None:
        """A model that asks for what is curated by it could never be trained."""
        links = made_from(self.study, self.registry)
        told: set[str] = set()
        for name, dataset in self.datasets.items():
            start = f"dataset {name}"
            found = circle(links, start) if dataset["curate"] and start not in told else None
            if found:
                told |= set(found)
                words = " -> ".join([*found, start])
                self.problems.add(("datasets", name, "curate"), f"`curate` goes round in a circle: {words}")
