"""Results read from Python: `assay.load("results/digits")`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.run.declared import FILE, digest_of_claim
from assay.run.files import read_json

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from assay.models.classifier import Classifier


@dataclass
class TrialFiles:
    """Where the parts of one trial lie in the store; a part that does not exist is None or missing."""

    arm: str
    seed: int
    status: str = "missing"
    reason: str | None = None
    synthetic: Path | None = None
    train: Path | None = None
    model: Path | None = None
    predict: dict[str, Path] = field(default_factory=dict)
    evaluate: dict[str, Path] = field(default_factory=dict)


class Results:
    """What one study left under `results/<study>/`.

    Attributes:
        folder: the study's folder; `root` is the results folder that holds it and the store.
        plan: `study.json`, with `jobs` and `records`.
        study: the resolved study (config with nothing implied).
        arms: the names of its arms, in the order of the config.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.root = self.folder.parent
        plan = read_json(self.folder / "study.json")
        if plan is None:
            known = sorted(path.parent.name for path in self.root.glob("*/study.json"))
            raise FileNotFoundError(
                f"{self.folder} holds no study.json; "
                + (f"studies there: {', '.join(known)}" if known else "run `snakemake --cores all` first")
            )
        self.plan: dict[str, Any] = plan
        self.study: dict[str, Any] = plan["study"]
        self.arms: list[str] = list(self.study["arms"])

    def __repr__(self) -> str:
        return f"Results({str(self.folder)!r}: {len(self.arms)} arms, {len(self.study['seeds'])} seeds)"

    def seeds_of(self, arm: str) -> list[int]:
        """The seeds under which an arm was planned."""
        self._known(arm)
        return list(self.study["seeds"])

    def record(self, path: str) -> dict[str, Any] | None:
        """A record by its path below the study's folder, such as `baseline/seed-0/train`."""
        return read_json(self.folder / f"{path}.json")

    def folder_of(self, digest: str) -> Path | None:
        """The sealed folder of a job, or None when it does not stand."""
        job = self.plan["jobs"].get(digest)
        if job is None:
            return None
        folder = self.root / job["folder"]
        return folder if (folder / "seal.json").exists() else None

    def dataset(self, name: str) -> Path | None:
        """The sealed folder of a dataset; under `vary: [split]` that of the first seed."""
        for path in self.plan["records"]:
            if path == f"datasets/{name}" or path.startswith(f"datasets/{name}/"):
                return self.folder_of(self.plan["records"][path]["jobs"][-1])
        raise KeyError(f"no dataset {name!r}; there are {', '.join(self.study['datasets'])}")

    def trial(self, arm: str, seed: int) -> TrialFiles:
        """Where the parts of a trial lie, and whether it is done, failed or missing."""
        self._known(arm, seed)
        found = TrialFiles(arm, seed)
        stem = f"{arm}/seed-{seed}/"
        statuses = []
        for path, planned in self.plan["records"].items():
            if not path.startswith(stem):
                continue
            record = self.record(path)
            statuses.append(record["status"] if record else "missing")
            if record and record["status"] == "failed" and found.reason is None:
                found.reason = record["reason"]
            for digest in planned["jobs"]:
                folder = self.folder_of(digest)
                if folder is None:
                    continue
                job = self.plan["jobs"][digest]
                if job["stage"] == "predict":
                    found.predict[job["part"]] = folder
                elif job["stage"] == "evaluate":
                    found.evaluate[job["part"]] = folder
                elif job["stage"] == "synthetic":
                    found.synthetic = folder
                elif job["stage"] == "train":
                    found.train = folder
                    found.model = found.model or folder
                elif job["stage"] in ("adjust", "compress"):
                    found.model = folder
        for status in ("failed", "missing"):
            if status in statuses:
                found.status = status
                return found
        found.status = "done" if statuses else "missing"
        return found

    def metrics(self) -> pd.DataFrame:
        """Every metric of every trial, one row each: arm, seed, family, metric, keys (a dict), value, note."""
        import pandas as pd

        rows = []
        for arm in self.arms:
            for seed in self.seeds_of(arm):
                for family, folder in self.trial(arm, seed).evaluate.items():
                    for row in read_json(folder / "metrics.json") or []:
                        rows.append({"arm": arm, "seed": seed, "family": family, **row})
        return pd.DataFrame(rows, columns=["arm", "seed", "family", "metric", "keys", "value", "note"])

    def verdicts(self) -> list[dict[str, Any]]:
        """The verdict of each claim, with the sentence of the config as it reads now."""
        record = self.plan["records"].get("claims")
        folder = self.folder_of(record["jobs"][0]) if record else None
        found = read_json(folder / "verdicts.json") if folder else None
        if found is None:
            return []
        declared = self.declared()["claims"]
        return [
            {
                **verdict,
                **{key: claim.get(key) for key in ("claim", "expect", "source")},
                "declared": declared.get(digest_of_claim(claim)),
            }
            for verdict, claim in zip(found, self.study["claims"], strict=True)
        ]

    def declared(self) -> dict[str, Any]:
        """When each claim was declared, and the numbers of seeds that the study was run with; see `run/declared.py`."""
        return read_json(self.folder / FILE) or {"claims": {}, "seeds": []}

    def model(self, arm: str, seed: int) -> Classifier:
        """The final model of a trial, on the CPU and in evaluation mode.

        Raises:
            KeyError: no such arm or seed.
            FileNotFoundError: the trial has no model (yet, or because it failed).
        """
        from assay.run.models import read_model

        trial = self.trial(arm, seed)
        if trial.model is None:
            raise FileNotFoundError(f"{arm} seed {seed} has no model: {trial.reason or trial.status}")
        return read_model(trial.model)

    def predictions(self, arm: str, seed: int) -> dict[str, dict[str, np.ndarray]]:
        """Logits, features, ids and labels of a trial by evaluation set (`test`, `val`, `noise`...)."""
        import numpy as np

        found = {}
        for name, folder in self.trial(arm, seed).predict.items():
            with np.load(folder / "predictions.npz", allow_pickle=False) as archive:
                found[name] = dict(archive)
        return found

    def _known(self, arm: str, seed: int | None = None) -> None:
        if arm not in self.study["arms"]:
            raise KeyError(f"no arm {arm!r}; there are {', '.join(self.arms)}")
        if seed is not None and seed not in self.study["seeds"]:
            raise KeyError(f"no seed {seed}; there are {', '.join(map(str, self.study['seeds']))}")

    @cached_property
    def failures(self) -> list[TrialFiles]:
        """The trials that failed."""
        trials = (self.trial(arm, seed) for arm in self.arms for seed in self.seeds_of(arm))
        return [trial for trial in trials if trial.status == "failed"]


def load(folder: str | Path) -> Results:
    """Open the results of a study, such as `assay.load("results/digits")`.

    Raises:
        FileNotFoundError: the folder holds no study; the message names those beside it.
    """
    return Results(folder)
