"""Jobs and records: what a study computes and how Snakemake sees it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

#: The stages of the store, in the order in which work flows through them, each with its module of computation.
STAGES: dict[str, str] = {
    "data": "assay.data.job",
    "generator": "assay.synthesize.fit",
    "synthetic": "assay.synthesize.job",
    "pretrain": "assay.pretrain.job",
    "train": "assay.train.job",
    "adjust": "assay.adjust.job",
    "compress": "assay.compress.job",
    "predict": "assay.train.infer",
    "evaluate": "assay.evaluate.job",
    "search": "assay.train.search",
    "claims": "assay.claims.job",
}

#: The words that are targets, each with the stages it stands for.
TARGETS: dict[str, tuple[str, ...]] = {
    "data": ("data",),
    "synthesize": ("generator", "synthetic"),
    "pretrain": ("pretrain",),
    "train": ("train", "search"),
    "adjust": ("adjust",),
    "compress": ("compress",),
    "predict": ("predict",),
    "evaluate": ("evaluate",),
    "claims": ("claims",),
    "track": ("track",),
    "report": ("report",),
}

#: The input of the stage `claims` that is a trial's model, `ARM/SEED/made`: it tells what the trial was made with.
MADE = "made"


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form, in hex."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Job:
    """One computation: its stage, what it was asked for, what it reads and which code it runs.

    `inputs` maps a role (`dataset`, `teacher/0`, `set/test`) to the digest of the job that makes it. The digest covers
    everything but the label and the part, which only help people to find it, `mirror`, `gpus`, and `methods`, which
    lists (kind, name, module, attribute, file) of each method so that the job need not scan for them. `kin` is the
    digest with all code left out: jobs of one kin were asked for the same and differ in code alone.
    """

    stage: str
    label: str
    spec: dict[str, Any]
    inputs: dict[str, str]
    code: dict[str, str]
    part: str | None = None
    methods: list[list[str]] = field(default_factory=list)
    kin: str = ""
    digest: str = ""
    #: Where the study says that published files lie already. Whatever they are read from, they are the same.
    mirror: str | None = None
    #: How many GPUs the study lets it use; what it computes on is recorded with the result.
    gpus: str | int | None = None

    def __post_init__(self) -> None:
        self.digest = self.digest or digest_of(
            {"stage": self.stage, "spec": self.spec, "inputs": self.inputs, "code": self.code}
        )

    @property
    def folder(self) -> str:
        """Where the result stands, below the results folder."""
        return f"store/{self.stage}/{self.label}-{self.digest[:16]}"

    @property
    def together(self) -> bool:
        """Whether one process may compute it with others that differ in their seed alone."""
        return self.stage == "train" and bool(self.spec.get("together"))

    def as_json(self) -> dict[str, Any]:
        """The job as `study.json` holds it."""
        return {**asdict(self), "folder": self.folder}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Job:
        """A job read back from `as_json`."""
        return cls(**{key: value for key, value in body.items() if key != "folder"})


@dataclass
class Record:
    """What Snakemake sees of one or several jobs: a small file with a name for people.

    `parts` names each job among those of the record, as this study calls it: another may call equal work differently.
    """

    path: str
    stage: str
    jobs: list[str]
    needs: list[str]
    digest: str = ""
    parts: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.digest:
            self.digest = self.jobs[0] if len(self.jobs) == 1 else digest_of([self.stage, *self.jobs])


@dataclass
class Plan:
    """A study compiled: jobs by digest, records by path below `results/<study>/`."""

    study: dict[str, Any]
    jobs: dict[str, Job] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The study's folder below the results folder."""
        return self.study["folder"]

    def add(self, path: str, stage: str, jobs: list[Job], needs: list[str]) -> Record:
        """Add a record and its jobs."""
        for job in jobs:
            self.jobs.setdefault(job.digest, job)
        digests, parts = [job.digest for job in jobs], [job.part for job in jobs]
        record = Record(path, stage, digests, sorted(set(needs)), parts=parts)
        self.records[path] = record
        return record

    def target(self, name: str) -> list[str]:
        """The record paths that a target word, an arm or a sweep's name stands for.

        Raises:
            KeyError: `name` is none of these.
        """
        if name == "all":
            return list(self.records)
        if name in TARGETS:
            return [path for path, record in self.records.items() if record.stage in TARGETS[name]]
        arms = self.study.get("groups", {}).get(name) or ([name] if name in self.study["arms"] else None)
        if arms is None:
            raise KeyError(name)
        return [path for path in self.records if path.split("/", 1)[0] in arms]

    def behind(self, name: str) -> list[str]:
        """The record paths that a target stands for, and all that these need.

        Raises:
            KeyError: `name` is no target.
        """
        found = dict.fromkeys(self.target(name))
        open_ = list(found)
        while open_:
            more = [need for need in self.records[open_.pop()].needs if need not in found]
            found |= dict.fromkeys(more)
            open_ += more
        return list(found)

    def target_names(self) -> list[str]:
        """All words that can be asked for."""
        return ["all", *TARGETS, *self.study["arms"], *self.study.get("groups", {})]

    def as_json(self) -> dict[str, Any]:
        """The plan as `study.json` holds it."""
        return {
            "study": self.study,
            "jobs": {digest: job.as_json() for digest, job in self.jobs.items()},
            "records": {path: asdict(record) for path, record in self.records.items()},
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Plan:
        """A plan read back from `as_json`."""
        return cls(
            body["study"],
            {digest: Job.from_json(job) for digest, job in body["jobs"].items()},
            {path: Record(**record) for path, record in body["records"].items()},
        )


def label(*parts: object) -> str:
    """A readable file name of the parts that are not empty, at most 72 characters."""
    words = [str(part) for part in parts if part not in (None, "", [])]
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", "-".join(words)).strip("-.")[:72].rstrip("-.")
