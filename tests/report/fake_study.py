"""A results folder as the engine leaves it, filled with numbers made up by a plain formula instead of by training.

The config, the plan, the datasets, the evaluations and the verdicts come from the package itself, so the files have the
shapes that the report meets in earnest; logits, curves, costs and synthetic images are invented.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from assay.claims.job import decide
from assay.data.dataset import Dataset, Split
from assay.data.job import build as build_dataset
from assay.evaluate.job import evaluate
from assay.evaluate.trial import Predictions, Trial
from assay.run.datasets import write_dataset
from assay.run.execute import Outcome
from assay.run.layout import Layout
from assay.run.record import describe
from assay.streams import Streams
from assay.study.code import Code
from assay.study.jobs import Job, Plan
from assay.study.load import load_study
from assay.study.plan import plan as make_plan
from assay.study.registry import Registry, scan
from assay.synthesize.quality import assess

CONFIG = """\
# Long-tailed digits: does anything help the rare classes?
study: fake
description: Real digits made long-tailed; which ways to train help the rare classes?
seeds: 5
datasets:
  digits: {source: digits, split: {val: 0.15, test: 0.2}}
  rare: {from: digits, classes: {hold-out: ["8", "9"]}, imbalance: {method: exponential, ratio: 20}}
  noise: {source: noise, like: digits}
  glyphs: {source: glyphs, like: digits}
generators:
  ddpm: {method: ddpm, dataset: rare}
arms:
  baseline: {dataset: rare, model: resnet8, recipe: sgd}
  mixup: {extends: baseline, augment: [translate, {method: mixup, alpha: 0.2}]}
  oversample: {extends: baseline, rebalance: oversample}
  synthetic: {extends: baseline, synthetic: {generator: ddpm, balance: true}}
  student: {extends: baseline, model: tiny-cnn, distill: {method: kd, teacher: {arm: baseline, seed: same}}}
  pruned: {extends: baseline, compress: [{method: magnitude}]}
  diverged: {extends: baseline, recipe: {method: sgd, lr: 10.0}}
evaluate:
  accuracy: {}
  calibration: {methods: [temperature]}
  ood: {detectors: [energy, knn], near: [hold-out], far: [noise, glyphs]}
  conformal: {methods: [lac, aps]}
  cost: {}
claims:
  - claim: Oversampling raises the recall of the rarest class
    expect: "oversample.recall[class=rarest] > baseline.recall[class=rarest]"
    primary: true
  - claim: Mixup makes the model better calibrated
    expect: "mixup.ece < baseline.ece"
  - claim: Synthetic images raise balanced accuracy by a point
    expect: "synthetic.balanced-accuracy > baseline.balanced-accuracy by 0.01"
  - claim: Pruning costs no accuracy
    expect: "pruned.accuracy ~ baseline.accuracy within 0.02"
  - claim: The student is smaller
    expect: "student.parameters < 0.5 * baseline.parameters"
  - claim: Synthetic images, then none, then a student
    expect: "synthetic.accuracy > baseline.accuracy > student.accuracy"
    primary: false
  - claim: Mixup helps most classes
    expect: "for most class in 1, 2, 3, 4: mixup.recall > baseline.recall - 0.2"
    primary: false
  - claim: A diverging recipe is no better
    expect: "diverged.accuracy < baseline.accuracy"
"""

#: How far the right logit stands out, how much worse the rarest class is, how overconfident the model is, parameters.
ARMS = {
    "baseline": (3.1, 2.2, 2.0, 78_000),
    "mixup": (3.3, 2.0, 0.9, 78_000),
    "oversample": (3.2, 0.9, 2.2, 78_000),
    "synthetic": (3.25, 1.4, 1.9, 78_000),
    "student": (2.9, 2.1, 1.4, 9_800),
    "tuned": (3.3, 2.0, 2.0, 78_000),
    "pruned": (3.08, 2.2, 1.9, 78_000),
}

HOSTILE = "<script>alert(1)</script>"


class Fake:
    """Fills the store of a planned study."""

    def __init__(
        self,
        root: Path,
        plan: Plan,
        registry: Registry,
        failing: tuple[str, ...],
        hostile: bool,
        apart: tuple[str, int] | None,
    ):
        self.layout = Layout(root)
        self.plan = plan
        self.registry = registry
        self.failing = failing
        self.hostile = hostile
        self.apart = apart
        self.datasets: dict[str, Dataset] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.owner: dict[str, tuple[str, int]] = {}
        self.seen: dict[tuple[str, str, int], Predictions] = {}

    def fill(self) -> None:
        for path, record in self.plan.records.items():
            arm, number = re.match(r"([^/]*)(?:/(?:seed|tune)-(\d+))?", path).groups()  # type: ignore[union-attr]
            for digest in record.jobs:
                if number is not None:
                    self.owner.setdefault(digest, (arm, int(number)))
        for digest, job in self._in_order():
            self.outcomes[digest] = self._outcome(job)
        for path, record in self.plan.records.items():
            body = describe(record, [self.outcomes[digest] for digest in record.jobs])
            write_json(self.layout.study(self.plan.folder) / f"{path}.json", body)

    def _in_order(self) -> list[tuple[str, Job]]:
        done: dict[str, Job] = {}

        def visit(digest: str) -> None:
            if digest not in done:
                for given in self.plan.jobs[digest].inputs.values():
                    visit(given)
                done[digest] = self.plan.jobs[digest]

        for digest in self.plan.jobs:
            visit(digest)
        return list(done.items())

    def _outcome(self, job: Job) -> Outcome:
        arm, seed = self.owner.get(job.digest, ("", 0))
        bad = [given for given in job.inputs.values() if self.outcomes[given].status == "failed"]
        if (job.stage == "train" and arm in self.failing) or (bad and job.stage != "claims"):
            reason = "MethodError: the loss is nan at step 12 (epoch 0 of 8)"
            if bad:
                reason = f"needs {self.plan.jobs[bad[0]].label}: {reason}"
            elif self.hostile:
                reason += HOSTILE
            log = "" if bad else f"epoch 1/8 loss 913.4 {HOSTILE if self.hostile else ''}\nTraceback: the loss is nan"
            write_json(self.layout.failures / f"{job.digest}.json", {"reason": reason, "log": log})
            return Outcome(job, "failed", reason)
        folder = self.layout.root / job.folder
        folder.mkdir(parents=True, exist_ok=True)
        getattr(self, f"_{job.stage}")(job, folder)
        seconds = {"data": 0.4, "generator": 31.0, "train": 6.2, "compress": 2.1}.get(job.stage, 0.2)
        run = {
            "stage": job.stage, "label": job.label, "digest": job.digest, "spec": job.spec, "headline": {},
            "started": 1.8e9, "finished": 1.8e9 + seconds, "seconds": seconds, "cpu_seconds": seconds * 0.97,
            "peak_memory_bytes": 612_000_000, "precision": "fp32", "threads": 1, "python": "3.11.7",
            "device": "cpu (Some Processor @ 2.6 GHz)",
            "packages": {"torch": "2.11.0" if (arm, seed) != self.apart else "2.10.0", "numpy": "2.4.6"},
            "git": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": True},
        }  # fmt: skip
        write_json(folder / "run.json", run)
        write_json(folder / "seal.json", {"digest": job.digest})
        return Outcome(job, "done", run=run)

    # -- one method a stage ----------------------------------------------------------------------------------

    def _data(self, job: Job, folder: Path) -> None:
        parent, like = (self.datasets.get(job.inputs.get(role, "")) for role in ("parent", "like"))
        spec = {key: value for key, value in job.spec.items() if key != "fingerprint"}
        made = build_dataset(spec, self.registry, parent=parent, like=like)
        if self.hostile:
            made.classes = [HOSTILE if name in ("0", HOSTILE) else name for name in made.classes]
            made.card["classes"] = made.classes
            made.card["licence"] = HOSTILE
            made.card["counts"] = {
                split: dict(zip(made.classes, counts.values(), strict=True))
                for split, counts in made.card["counts"].items()
            }
        self.datasets[job.digest] = made
        write_dataset(folder, made, None)

    def _generator(self, job: Job, folder: Path) -> None:
        self._curves(folder, {"loss": (1.0, 0.08)}, job.spec["streams"]["generator"])

    def _synthetic(self, job: Job, folder: Path) -> None:
        train = self.datasets[job.inputs["dataset"]].splits["train"]
        rng = np.random.default_rng(job.spec["streams"]["generator"])
        chosen = np.concatenate([rng.choice(np.flatnonzero(train.labels == one), 12) for one in range(4, 8)])
        noisy = train.images[chosen] + rng.normal(0, 30, train.images[chosen].shape)
        images = noisy.clip(0, 255).astype(np.uint8)
        names = np.array([f"made-{number}" for number in range(len(chosen))])
        part = Split(images, train.labels[chosen], names, train.labels[chosen].copy())
        classes = self.datasets[job.inputs["dataset"]].classes
        write_dataset(folder, Dataset(classes, {"synthetic": part}), None)
        halves = {"agreement": 0.81, "chance": 0.02, "nearest": 0.43}
        write_json(folder / "quality.json", {**assess(part, self.datasets[job.inputs["dataset"]]), "halves": halves})
        np.savez(folder / "halves.npz", pairs=np.stack([images[:10], images[:10]]))

    def _train(self, job: Job, folder: Path) -> None:
        arm, seed = self.owner[job.digest]
        margin, _, _, _ = ARMS[arm]
        end = {
            "loss": (2.1, 0.5 / margin),
            "val_accuracy": (0.2, 0.6 + 0.1 * margin),
            "lr": (0.1, 0.0),
            "throughput": (9e3, 9e3),
        }
        self._curves(folder, end | ({HOSTILE: (0.0, 1.0)} if self.hostile else {}), seed)
        if job.spec["augment"]:
            train = self.datasets[job.inputs["dataset"]].splits["train"]
            real = train.images[:20]
            altered = np.roll(real, 1, axis=2) // 2 + np.roll(real, 3, axis=0) // 2
            np.savez(folder / "samples.npz", real=real, altered=altered)

    def _compress(self, job: Job, folder: Path) -> None:
        self._curves(folder, {"loss": (0.4, 0.2)}, self.owner[job.digest][1])

    def _search(self, job: Job, folder: Path) -> None:
        points = job.spec["points"]
        scores = [0.5 + 0.01 * number for number in range(len(points))]
        choice = {"choice": points[-1], "index": len(points) - 1, "score": scores[-1], "scores": scores}
        write_json(folder / "choice.json", {**choice, "by": job.spec["by"]})

    def _predict(self, job: Job, folder: Path) -> None:
        pass

    def _evaluate(self, job: Job, folder: Path) -> None:
        arm, seed = self.owner[job.digest]
        dataset = self.datasets[job.inputs["dataset"]]
        family = job.spec["family"]
        if family == "cost":
            rows, figures = self._cost(arm, seed), {"latency": {"1": [0.001] * 3}}
        else:
            sets = {
                role.removeprefix("set/"): self._predictions(digest, arm, seed)
                for role, digest in job.inputs.items()
                if role.startswith("set/")
            }
            classes = len(dataset.classes)
            head = (np.eye(classes, dtype=np.float32), np.zeros(classes, np.float32))
            trial = Trial(dataset.classes, dataset.counts("train"), sets, head)
            result = evaluate(job.spec, self.registry, trial)
            rows = [{"metric": r.metric, "keys": r.keys, "value": r.value, "note": r.note} for r in result.rows]
            figures = result.figures
        self.rows[job.digest] = rows
        write_json(folder / "metrics.json", rows)
        write_json(folder / "figures.json", figures)

    def _predictions(self, digest: str, arm: str, seed: int) -> Predictions:
        if (digest, arm, seed) not in self.seen:
            self.seen[digest, arm, seed] = self._predicted(digest, arm, seed)
        return self.seen[digest, arm, seed]

    def _predicted(self, digest: str, arm: str, seed: int) -> Predictions:
        job = self.plan.jobs[digest]
        split = self.datasets[job.inputs["dataset"]].splits[job.spec["split"]]
        margin, rare, heat, _ = ARMS[arm]
        # The same images are hard for every arm, and the same seeds are lucky, as in a paired study.
        shared = np.random.default_rng(hash_of(job.part, seed))
        own = np.random.default_rng(hash_of(job.part, seed, arm))
        count, classes = len(split), 8
        logits = shared.normal(0, 1.0, (count, classes)) + own.normal(0, 0.35, (count, classes))
        known = (split.labels >= 0) & (job.spec["split"] in ("train", "val") or job.part == "test")
        # Class names are digits, so a larger label is a rarer class of the long tail.
        strength = margin - rare * split.labels[known] / (classes - 1) + 0.15 * shared.normal()
        logits[known, split.labels[known]] += strength
        logits[~known, shared.integers(0, classes, (~known).sum())] += 0.9
        logits = (logits * heat).astype(np.float32)
        return Predictions(logits, logits.copy(), split.ids, split.labels)

    def _cost(self, arm: str, seed: int) -> list[dict[str, Any]]:
        parameters = ARMS[arm][3]
        kept = parameters * (0.3 if arm == "pruned" else 1)
        spread = 1 + 0.04 * np.random.default_rng(seed).normal()
        values = {
            "parameters": parameters, "nonzero-parameters": kept, "flops": parameters * 310.0,
            "nonzero-flops": kept * 310.0, "bytes": parameters * 4, "disk-bytes": parameters * 4 + 1200,
            "latency": 0.0011 * spread, "latency-iqr": 0.0001, "train-seconds": 6.2 * spread, "peak-memory": 6.1e8,
        }  # fmt: skip
        return [
            {"metric": name, "keys": {"batch": "1"} if name.startswith("latency") else {}, "value": value, "note": None}
            for name, value in values.items()
        ]

    def _claims(self, job: Job, folder: Path) -> None:
        table: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for role, digest in job.inputs.items():
            name, number, _ = role.split("/", 2)
            table.setdefault((name, int(number)), []).extend(self.rows.get(digest, []))

        def values(name: str, metric: str, keys: dict[str, str]) -> dict[int, float | None]:
            found = {}
            for number in job.spec["seeds"]:
                rows = table.get((name, number), [])
                hits = [row["value"] for row in rows if row["metric"] == metric and row["keys"] == keys]
                found[number] = hits[0] if hits else None
            return found

        write_json(folder / "verdicts.json", decide(job.spec, values))

    def _curves(self, folder: Path, ends: dict[str, tuple[float, float]], seed: int) -> None:
        rng = np.random.default_rng(seed)
        lines = []
        for epoch in range(1, 21):
            share = 1 - np.exp(-epoch / 5)
            values = {name: a + (b - a) * share + 0.02 * abs(a - b) * rng.normal() for name, (a, b) in ends.items()}
            lines.append(json.dumps({"step": epoch * 9, "epoch": float(epoch), "time": 1.8e9 + epoch, **values}))
        (folder / "curves.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_json(file: Path, value: Any) -> None:
    """As the engine writes it, without waiting for the disk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value), encoding="utf-8")


def hash_of(*parts: object) -> int:
    """A number that is the same in every process, unlike `hash` of a text."""
    return Streams({"fake": 0}).seed("fake", *parts)


def build(
    root: Path,
    config: str = CONFIG,
    *,
    failing: tuple[str, ...] = ("diverged",),
    hostile: bool = False,
    apart: tuple[str, int] | None = None,
    computed: bool = True,
) -> Path:
    """Write `results/<study>` under `root` for a config, and return that folder.

    Args:
        root: an empty folder.
        config: its text; arms must be among `ARMS` or failing.
        failing: arms whose training fails.
        hostile: put markup wherever a text of the study reaches the page.
        apart: an arm and a seed that ran with another version of torch.
        computed: False for a study of which nothing ran yet.
    """
    file = root / "config.yaml"
    if hostile:
        config = config.replace("study: small", f"study: small\ndescription: {HOSTILE}").replace(
            "- claim: ", f"- claim: {HOSTILE} "
        )
    file.write_text(config, encoding="utf-8")
    registry = scan()
    study = load_study(file, registry=registry)
    study.pop("lines", None)
    plan = make_plan(study, registry, Code())
    results = root / "results"
    write_json(results / plan.folder / "study.json", {**plan.as_json(), "config": config, "file": "config.yaml"})
    if computed:
        Fake(results, plan, registry, failing, hostile, apart).fill()
    return results / plan.folder
