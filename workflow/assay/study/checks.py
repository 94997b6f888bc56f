"""What a config says against what it names: every name is declared, nothing goes round in a circle, parts fit together.

The model has made sure of each value alone; here they are looked at together.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path as File
from typing import Any

from assay.study import own_data
from assay.study.alterations import files_of, varied
from assay.study.checks_compress import check_compress
from assay.study.checks_data import contradictions
from assay.study.checks_devices import graphed, shareable
from assay.study.checks_distill import check_assistants, check_distill
from assay.study.checks_evaluate import check_evaluate
from assay.study.checks_generators import check_generators
from assay.study.checks_needs import check_needs
from assay.study.checks_robust import check_robust
from assay.study.checks_synthetic import check_synthetic
from assay.study.circles import taught_by
from assay.study.errors import nearest
from assay.study.fields import ARM, BESIDE_STUDIES, RESERVED, SLUG, SPLITS
from assay.study.model import Study
from assay.study.outliers import check_ensembles, check_tuning
from assay.study.problems import Path, Problems
from assay.study.registry import Registry
from assay.study.together import SAME_IMAGES, alone

#: The arrays that predictions made elsewhere need; each further set, such as an outlier set, has the same two.
PREDICTED = ("val.logits", "val.label", "test.logits", "test.label")

#: Names become those of folders and files, of which file systems take 255 bytes with what is put before and after.
LONGEST = 200


def check(resolved: dict[str, Any], study: Study, registry: Registry, problems: Problems) -> None:
    """Note every fault of a resolved study (without claims)."""
    _Checks(resolved, registry, problems).run()
    keys = [field.alias or name for name, field in Study.model_fields.items()]
    for variant, changes in study.variants.items():
        if variant == "smoke":
            problems.add(("variants", variant), "`smoke` is a scale, which has this folder; choose another name")
        for key in changes:
            if key not in keys:
                message = f"there is no such key; expected one of {', '.join(keys)}"
                problems.add(("variants", variant, key), message, nearest(key, keys))


class _Checks:
    def __init__(self, study: dict[str, Any], registry: Registry, problems: Problems):
        self.study = study
        self.registry = registry
        self.datasets: dict[str, Any] = study["datasets"]
        self.arms: dict[str, Any] = study["arms"]
        self.problems = problems

    def run(self) -> None:
        self._names()
        if self.study["mirror"] is not None and not File(self.study["mirror"]).is_dir():
            self.problems.add(("mirror",), f"there is no folder {self.study['mirror']!r}")
        if not self.study["vary"] and len(self.study["seeds"]) > 1:
            self.problems.add(("vary",), "expected at least one stream, since all seeds would be the same without")
        for name, dataset in self.datasets.items():
            self._dataset(name, dataset)
        self._circle("datasets", "from", self._chain(self.datasets, lambda dataset: dataset["from"] or dataset["like"]))
        for section in ("generators", "encoders"):
            for name, made in self.study[section].items():
                self._known((section, name, "dataset"), "dataset", made["dataset"], self.datasets)
        check_generators(self.study, self.registry, self.problems)
        for name, generator in self.study["generators"].items():
            path = ("generators", name)
            seen = generator["encoder"]
            if seen and self._known((*path, "encoder"), "encoder", seen, self.study["encoders"]):
                self._same_shape((*path, "encoder"), generator["dataset"], self.study["encoders"][seen]["dataset"])
            fair = generator["unbiased"]
            if fair and self._known((*path, "unbiased"), "dataset", fair, self.datasets):
                self._same_classes((*path, "unbiased"), generator["dataset"], fair)
                self._same_shape((*path, "unbiased"), generator["dataset"], fair)
        for name, arm in self.arms.items():
            self._arm(name, arm)
        self._circle(
            "arms",
            "distill",
            self._chain(self.arms, lambda arm: next(iter(taught_by((arm["distill"] or {}).get("teacher"))), None)),
        )
        check_assistants(self.study, self.registry, self.problems)
        check_compress(self.study, self.registry, self.problems)
        if not self.problems.found:
            self._replicates()
        self._evaluate()

    def _known(self, path: Path, what: str, name: str, declared: dict[str, Any]) -> bool:
        if name not in declared:
            self.problems.unknown(path, what, name, declared)
        return name in declared

    # -- names -----------------------------------------------------------------------------------------------

    def _names(self) -> None:
        if self.study["study"].lower() in BESIDE_STUDIES:
            self.problems.add(
                ("study",), f"{self.study['study']!r} is a folder that all studies share; choose another name"
            )
        for section in ("datasets", "generators", "encoders", "arms"):
            seen: dict[str, str] = {}
            for name in self.study[section]:
                path = (section, name)
                if section == "arms" and not ARM.fullmatch(name.split("[", 1)[0]):
                    self.problems.add(
                        path, f"expected a name of letters, digits, `_` and single dashes, found {name!r}"
                    )
                elif section != "arms" and not SLUG.fullmatch(name):
                    self.problems.add(
                        path,
                        f"expected a name of letters, digits, dots and dashes, a letter or digit first, found {name!r}",
                    )
                elif len(name.encode()) > LONGEST:
                    self.problems.add(path, f"expected a name of at most {LONGEST} bytes, found {len(name.encode())}")
                elif name.lower() in RESERVED or (section == "datasets" and name in SPLITS):
                    self.problems.add(path, f"{name!r} is a word with a meaning of its own; choose another name")
                elif seen.setdefault(name.lower(), name) != name:
                    self.problems.add(
                        path, f"{name!r} and {seen[name.lower()]!r} would share a folder where case does not count"
                    )

    # -- circles ---------------------------------------------------------------------------------------------

    def _chain(self, declared: dict[str, Any], follow: Callable[[Any], str | None]) -> dict[str, str]:
        links = {name: follow(value) for name, value in declared.items()}
        return {name: link for name, link in links.items() if link in declared and link is not None}

    def _circle(self, section: str, key: str, links: dict[str, str]) -> None:
        told: set[str] = set()
        for start in links:
            path = [start]
            while path[-1] in links and links[path[-1]] not in path:
                path.append(links[path[-1]])
            end = links.get(path[-1])
            if end is not None:
                circle = path[path.index(end) :]
                if not told & set(circle):
                    words = " -> ".join([*circle, end])
                    at = key if self.study[section][circle[0]].get(key) else "like"
                    self.problems.add((section, circle[0], at), f"`{at}` goes round in a circle: {words}")
                told |= set(circle)

    # -- datasets --------------------------------------------------------------------------------------------

    def _dataset(self, name: str, dataset: dict[str, Any]) -> None:
        path: Path = ("datasets", name)
        if (dataset["source"] is None) == (dataset["from"] is None):
            self.problems.add(path, "expected either `source` or `from`")
        for key in ("from", "like"):
            if dataset[key] is not None:
                self._known((*path, key), "dataset", dataset[key], self.datasets)
        if dataset["from"] and dataset["split"]:
            self.problems.add(
                (*path, "split"), f"{dataset['from']}, from which this comes, is split; set `split` there"
            )
        if dataset["from"] and dataset["like"]:
            self.problems.add(
                (*path, "like"), "`like` shapes a source's images; a dataset `from` another has its shape"
            )
        for key, file in files_of(dataset).items():
            if key != "source" and not File(file).exists():
                self.problems.add((*path, key, "path"), f"there is no file or folder {file!r}")
        contradictions(path, self._chain_of(dataset), self.study["vary"], self.registry, self.problems)
        fault = own_data.problem(dataset["source"]) if dataset["source"] else None
        if fault:
            option, near, message = fault
            self.problems.add((*path, "source", option), message, near)

    def _root(self, name: str) -> str:
        """Where a dataset starts; itself when the chain is broken or goes round."""
        seen = [name]
        while (base := self.datasets.get(seen[-1], {}).get("from")) in self.datasets and base not in seen:
            seen.append(base)
        return seen[-1]

    def _upwards(self, name: str) -> list[dict[str, Any]]:
        """A dataset and those it comes from, the root first."""
        seen: list[str] = []
        at: str | None = name
        while at in self.datasets and at not in seen:
            seen.append(at)
            at = self.datasets[at]["from"]
        return [self.datasets[each] for each in reversed(seen)]

    def _classes(self, name: str) -> Any:
        """What is known of a dataset's classes without its images: equal for datasets that surely have equal ones."""
        chain = self._upwards(name)
        kept: list[str] | None = None
        gone: set[str] = set()
        maps = []
        for dataset in chain:
            maps += [dataset["class-map"]] if dataset["class-map"] else []
            kept = dataset["classes"]["keep"] or (
                kept and [each for each in kept if each not in dataset["classes"]["hold-out"]]
            )
            gone |= set(dataset["classes"]["hold-out"])
        source = chain[0]["source"] if chain else None
        return ("kept", kept) if kept else (source, maps, sorted(gone))

    def _chain_of(self, dataset: dict[str, Any]) -> list[dict[str, Any]]:
        """A dataset and those it comes from."""
        return [*(self._upwards(dataset["from"]) if dataset["from"] else []), dataset]

    def _same_shape(self, path: Path, left: str, right: str) -> None:
        """Two datasets whose images surely differ in size or channels; what a source gives is not known here."""
        for key in ("resolution", "channels"):
            first, second = (
                next((each[key] for each in reversed(self._upwards(name)) if each[key]), None) for name in (left, right)
            )
            if first and second and first != second:
                self.problems.add(path, f"the images of {left} have {key} {first}, those of {right} {second}")

    def _same_classes(self, path: Path, left: str, right: str) -> None:
        if left in self.datasets and right in self.datasets and self._classes(left) != self._classes(right):
            self.problems.add(path, f"the datasets {left} and {right} do not have the same classes")

    # -- arms ------------------------------------------------------------------------------------------------

    def _arm(self, name: str, arm: dict[str, Any]) -> None:
        path: Path = ("arms", name)
        self._known((*path, "dataset"), "dataset", arm["dataset"], self.datasets)
        if arm["predictions"] is not None:
            self._foreign_predictions(path, arm)
        elif arm["model"] is None:
            self.problems.add(path, "expected the key `model` (or `predictions` made elsewhere)")
        if arm["weights"] is not None:
            self._foreign_weights(path, arm)
        if arm["synthetic"]:
            self._synthetic((*path, "synthetic"), arm)
        shareable(path, arm, self.study["resources"], self.registry, self.problems)
        graphed(path, arm, self.study["resources"], self.problems)
        self._init(path, arm)
        self._teacher(path, arm)
        check_distill(path, arm, self.registry, self.problems)
        if arm["together"]:
            self._together(path, arm)
        check_robust(path, arm, self.registry, self.problems)
        check_needs(path, arm, self.registry, self.problems)
        if arm["robust"] and arm["dropout"]:
            self.problems.add(
                (*path, "dropout"), "expected either `dropout` or `robust`, which takes the place of the loss"
            )
        if arm["search"] and self._test_varies(arm["dataset"]):
            self.problems.add(
                (*path, "search"),
                "the test split differs by seed (`vary: [split]`), so tuning would see images that trials are tested "
                "on; leave `split` out of `vary`, or take a dataset whose source has an official test split",
            )

    def _together(self, path: Path, arm: dict[str, Any]) -> None:
        for place, message in alone(arm):
            self.problems.add((*path, *place), message)
        data = [(arm["dataset"], "together")]
        generator = self.study["generators"].get((arm["synthetic"] or {}).get("generator"))
        if generator:
            data.append((generator["dataset"], "synthetic"))
            if generator["seeds"] > 1:
                self.problems.add((*path, "synthetic"), f"{SAME_IMAGES}, and the generator has {generator['seeds']}")
        for name, key in data:
            if any(varied(dataset, self.study["vary"]) for dataset in self._upwards(name)):
                self.problems.add((*path, key), f"{SAME_IMAGES}, and {name} differs by seed (`vary`)")

    # -- replicates ------------------------------------------------------------------------------------------

    def _replicates(self) -> None:
        """Seeds that change nothing are no replicates: an interval over them would be of no width, and a lie."""
        for name, arm in self.arms.items():
            foreign = arm["predictions"] is not None or arm["weights"] is not None
            if self.study["vary"] and len(self.study["seeds"]) > 1 and not foreign and not self._differs(name):
                reach = ", ".join(self.study["vary"])
                message = (
                    f"nothing that varies ({reach}) reaches the arm {name}, so that all its seeds would be the same"
                )
                self.problems.add(("vary",), message)
            folds = (self.datasets[self._root(arm["dataset"])]["split"] or {}).get("folds")
            if self.study["vary"] == ["split"] and folds and len(self.study["seeds"]) > folds:
                message = f"{len(self.study['seeds'])} seeds of {folds} folds would be the same again; vary `init` too"
                self.problems.add(("vary",), message)

    def _differs(self, name: str) -> bool:
        """Whether the trials of an arm differ by seed."""
        arm, vary = self.arms[name], set(self.study["vary"])
        if vary & {"init", "order", "augment"}:
            return True
        if any(varied(dataset, self.study["vary"]) for dataset in self._upwards(arm["dataset"])):
            return True
        made = [(arm["synthetic"] or {}).get("generator"), (arm["init"] or {}).get("encoder")]
        sections = (self.study["generators"], self.study["encoders"])
        if any(use and section[use]["seeds"] > 1 for use, section in zip(made, sections, strict=True)):
            return True
        teacher = arm["distill"] and arm["distill"]["teacher"]
        return bool(teacher and teacher["seed"] == "same" and any(map(self._differs, taught_by(teacher))))

    def _test_varies(self, dataset: str) -> bool:
        """Whether each seed tests on other images."""
        root = self.datasets.get(self._root(dataset))
        split = (root and root["split"]) or {}
        return "split" in self.study["vary"] and bool(split.get("test") or split.get("folds"))

    def _foreign_predictions(self, path: Path, arm: dict[str, Any]) -> None:
        for key in (
            *("model", "weights", "synthetic", "init", "distill", "adjust", "compress", "rebalance", "augment"),
            *("robust", "dropout", "sparse", "search"),
        ):
            if arm[key]:
                self.problems.add((*path, key), f"an arm with `predictions` trains nothing; leave `{key}` out")
        self._trains_nothing(path, arm, "predictions")
        if arm["tta"] != "none":
            self.problems.add((*path, "tta"), "an arm with `predictions` is not predicted again; leave `tta` out")
        file = File(arm["predictions"])
        if not file.is_file():
            self.problems.add((*path, "predictions"), f"there is no file {arm['predictions']!r}")
        elif not zipfile.is_zipfile(file):
            self.problems.add((*path, "predictions"), f"expected a .npz archive, which {arm['predictions']!r} is not")
        else:
            with zipfile.ZipFile(file) as archive:
                found = [name.removesuffix(".npy") for name in archive.namelist()]
            lacking = [name for name in PREDICTED if name not in found]
            if lacking:
                expected = f"expected the arrays {', '.join(PREDICTED)}; {arm['predictions']!r} lacks"
                self.problems.add((*path, "predictions"), f"{expected} {', '.join(lacking)}")

    def _foreign_weights(self, path: Path, arm: dict[str, Any]) -> None:
        for key in ("synthetic", "init", "distill", "rebalance", "robust", "dropout", "sparse", "search"):
            if arm[key]:
                self.problems.add((*path, key), f"an arm with `weights` trains nothing; leave `{key}` out")
        self._trains_nothing(path, arm, "weights")
        self._file((*path, "weights"), arm["weights"])

    def _trains_nothing(self, path: Path, arm: dict[str, Any], why: str) -> None:
        if arm["trainable"] and arm["trainable"]["method"] != "all":
            self.problems.add((*path, "trainable"), f"an arm with `{why}` trains nothing; leave `trainable` out")

    def _file(self, path: Path, name: str) -> None:
        if not File(name).is_file():
            self.problems.add(path, f"there is no file {name!r}")

    def _synthetic(self, path: Path, arm: dict[str, Any]) -> None:
        use = arm["synthetic"]
        check_synthetic(path, arm, self.study, self.registry, self.problems)
        place = self.problems.written((*path, "generator"))
        if self._known(place, "generator", use["generator"], self.study["generators"]):
            learnt = self.study["generators"][use["generator"]]["dataset"]
            self._same_classes(path, arm["dataset"], learnt)
            self._same_shape(path, arm["dataset"], learnt)
        if use["judge"] in self.arms:
            taught = self.arms[use["judge"]]["dataset"]
            self._same_classes((*path, "judge"), arm["dataset"], taught)
            self._same_shape((*path, "judge"), arm["dataset"], taught)

    def _init(self, path: Path, arm: dict[str, Any]) -> None:
        init = arm["init"] or {}
        if "weights" in init:
            self._file((*path, "init", "weights"), init["weights"])
        encoders = self.study["encoders"]
        if "encoder" in init and self._known((*path, "init", "encoder"), "encoder", init["encoder"], encoders):
            encoder = encoders[init["encoder"]]
            if arm["model"] and encoder["model"] != arm["model"]:
                self.problems.add(
                    (*path, "init", "encoder"),
                    f"the encoder is a {_entry(encoder['model'])}, the arm's model a {_entry(arm['model'])}",
                )

    def _teacher(self, path: Path, arm: dict[str, Any]) -> None:
        if not arm["distill"] or not arm["distill"]["teacher"]:
            return
        path = (*path, "distill", "teacher")
        teacher = arm["distill"]["teacher"]
        if self._known(self.problems.written((*path, "arm")), "arm", teacher["arm"], self.arms):
            if self.arms[teacher["arm"]]["predictions"] is not None:
                self.problems.add(path, f"{teacher['arm']} has predictions alone, no model that could teach")
            self._same_classes(path, arm["dataset"], self.arms[teacher["arm"]]["dataset"])
            self._same_shape(path, arm["dataset"], self.arms[teacher["arm"]]["dataset"])
            if teacher["seed"] != "same" and self._test_varies(self.arms[teacher["arm"]]["dataset"]):
                self.problems.add(
                    self.problems.written((*path, "seed")),
                    "the test split differs by seed (`vary: [split]`), so a teacher with another seed has learnt from "
                    "images that its student is tested on; use `seed: same`",
                )
        if isinstance(teacher["seed"], int) and teacher["seed"] not in self.study["seeds"]:
            known = ", ".join(map(str, self.study["seeds"]))
            self.problems.add((*path, "seed"), f"expected one of the study's seeds ({known}), found {teacher['seed']}")

    # -- evaluate --------------------------------------------------------------------------------------------

    def _evaluate(self) -> None:
        check_evaluate(self.study, self.registry, self.problems)
        for name in (self.study["evaluate"].get("external") or {}).get("test-sets") or {}:
            if name not in self.datasets:
                self.problems.unknown(("evaluate", "external", "test-sets", name), "dataset", name, self.datasets)
        for family, options in self.study["evaluate"].items():
            if not {"near", "far"} <= set(options):
                continue
            for key in ("near", "far"):
                for number, name in enumerate(options[key]):
                    path: Path = ("evaluate", family, key, number)
                    if name == "hold-out":
                        self._held_out(path)
                    if key == "far" and name in options["near"]:
                        self.problems.add(path, f"{name} stands under both `near` and `far`")
            if not options["near"] and not options["far"]:
                self.problems.add(("evaluate", family), "expected at least one set under `near` or `far`")
            check_tuning(options, ("evaluate", family), self.datasets, self._root, self.problems)
            check_ensembles(options, ("evaluate", family), self.study["seeds"], self.registry, self.problems)
            self._same_test(family, options)

    def _same_test(self, family: str, options: dict[str, Any]) -> None:
        """Models can only disagree about the same images."""
        for number, entry in enumerate(options["detectors"]):
            card = self.registry.get("detector", entry["method"])
            if card is None or "seeds" not in card.reads:
                continue
            for name, arm in self.arms.items():
                if self._test_varies(arm["dataset"]):
                    self.problems.add(
                        ("evaluate", family, "detectors", number),
                        f"{card.name} compares what seeds say of the same images, and the test split of {name} differs "
                        "by seed (`vary: [split]`)",
                    )

    def _held_out(self, path: Path) -> None:
        """Every arm is judged on its own dataset's held-out classes, so each must have some."""
        for name, arm in self.arms.items():
            chain = self._upwards(arm["dataset"])
            if chain and not any(dataset["classes"]["hold-out"] for dataset in chain):
                self.problems.add(
                    path, f"{name} learns from {arm['dataset']}, which has no `classes: {{hold-out: [...]}}`"
                )
                return


def _entry(entry: dict[str, Any]) -> str:
    options = ", ".join(f"{key}: {value}" for key, value in entry.items() if key != "method")
    return f"{entry['method']} ({options})" if options else str(entry["method"])
