"""Which runs a study should have, from its plan alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from assay.run.files import canonical, sha256_text
from assay.run.results import Results

#: The stages whose job stands for a trial, best first: a trial is its final model, or the predictions it was given.
_IDENTIFYING = ("compress", "adjust", "train", "predict", "evaluate")
#: Folders of records that are not arms, and the kind of their runs.
_SHARED = {"datasets": "dataset", "generators": "generator", "encoders": "encoder"}


@dataclass(frozen=True)
class Identity:
    """What finds a run: the tags `assay.kind`, `assay.arm`, `assay.seed` and `assay.digest`.

    `arm` is the name of the dataset, generator or encoder for runs of these. A study has no digest: it has one run.
    """

    kind: str
    arm: str = ""
    seed: str = ""
    digest: str = ""

    def tags(self) -> dict[str, str]:
        """The identity as tags of a run; what does not apply is left out."""
        values = {"kind": self.kind, "arm": self.arm, "seed": self.seed, "digest": self.digest}
        return {f"assay.{key}": value for key, value in values.items() if value}

    @classmethod
    def of(cls, tags: dict[str, str]) -> Identity:
        """The identity that a run's tags tell."""
        return cls(*(tags.get(f"assay.{key}", "") for key in ("kind", "arm", "seed", "digest")))


@dataclass
class Cell:
    """A run that the study should have, with the records and jobs that it shows.

    `name` is that of the records, such as `baseline/seed-0`.
    """

    identity: Identity
    name: str
    parent: Identity | None
    records: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The run's name in MLflow, whose table cuts names short: what tells siblings apart comes first."""
        if self.identity.kind in ("study", "arm"):
            return self.name
        if self.identity.kind in ("trial", "tuning"):
            return f"{self.name.rpartition('/')[2]} {self.identity.arm}"
        seed = f" seed-{self.identity.seed}" if self.identity.seed else ""
        return f"{self.identity.arm}{seed} ({self.identity.kind})"


def cells(results: Results) -> list[Cell]:
    """The runs of a study, parents before children: the study, datasets, generators, encoders, arms, trials, tuning."""
    study = Identity("study")
    arms = {arm: Identity("arm", arm, "", _spec_digest(results, arm)) for arm in results.arms}
    found = [Cell(study, results.folder.name, None)]
    grouped: dict[str, list[str]] = {}
    for path in results.plan["records"]:
        first, _, rest = path.partition("/")
        if first in _SHARED:
            grouped[path] = [path]
        elif first in arms:
            grouped.setdefault(f"{first}/{rest.split('/')[0]}" if "/" in rest else first, []).append(path)
        else:
            found[0].records.append(path)
            found[0].jobs += results.plan["records"][path]["jobs"]
    for arm, identity in arms.items():
        found.append(_cell(results, identity, arm, study, grouped.pop(arm, [])))
    for name, records in grouped.items():
        first, _, rest = name.partition("/")
        word, _, number = rest.rpartition("-")
        if first in arms:
            kind = "tuning" if word == "tune" else "trial"
            identity = Identity(kind, first, number, _digest(results, records))
            found.append(_cell(results, identity, name, arms[first], records))
        else:
            shared, _, seed = rest.partition("/seed-")
            identity = Identity(_SHARED[first], shared, seed, results.plan["records"][name]["jobs"][-1])
            found.append(_cell(results, identity, name, study, records))
    return found


def _cell(results: Results, identity: Identity, name: str, parent: Identity, records: list[str]) -> Cell:
    jobs = [digest for path in records for digest in results.plan["records"][path]["jobs"]]
    return Cell(identity, name, parent, records, jobs)


def _digest(results: Results, records: list[str]) -> str:
    """The digest that stands for a trial: that of its final model, so that a new evaluation is no new run."""
    by_stage = {results.plan["records"][path]["stage"]: results.plan["records"][path] for path in records}
    record = next(by_stage[stage] for stage in _IDENTIFYING if stage in by_stage)
    return record["jobs"][-1] if record["stage"] in ("compress", "adjust", "train") else record["digest"]


def _spec_digest(results: Results, arm: str) -> str:
    """The digest of what an arm is by its config, its datasets included: params of a run never change."""
    declared = results.study["arms"][arm]
    datasets = results.study["datasets"]
    own = [datasets.get(name) for name in lineage(results.study, declared["dataset"])]
    return sha256_text(canonical([declared, *own]))


def lineage(study: dict[str, Any], name: str) -> list[str]:
    """A dataset and those that it is made from or like, nearest first."""
    found, open_ = [], [name]
    while open_:
        one = open_.pop(0)
        found.append(one)
        declared = study["datasets"].get(one) or {}
        open_ += [other for key in ("from", "like") if (other := declared.get(key)) and other not in found]
    return found
