"""A results tree as the engine leaves it, made of plan, records and sealed folders without computing anything."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from assay.run.files import sha256_file, sha256_text, write_json
from assay.study.jobs import Job, Plan
from PIL import Image
from safetensors.numpy import save_file

EPOCH = 1_790_000_000.0


class Tree:
    """A study of a few arms whose jobs are sealed, failed or left half-way by the test."""

    def __init__(self, root: Path, *, seeds: tuple[int, ...] = (0, 1), arms: tuple[str, ...] = ("baseline", "pruned")):
        self.root = root
        self.folder = root / "digits"
        self.seeds = list(seeds)
        self.arms = list(arms)
        self.lr = 0.1
        self.val = 0.1
        self.code = "c0"
        self.private = False
        self.track: dict[str, Any] = {"artifacts": "copy", "copy-below": "50M"}
        self.detectors = ["msp", "energy"]
        self.claims = True
        self.steps = 12
        self.extra = 0
        self.clock = EPOCH
        self.plan = Plan({})

    # -- the plan --------------------------------------------------------------------------------------------

    def study(self) -> dict[str, Any]:
        arms = {}
        for name in self.arms:
            arms[name] = {
                "dataset": "digits-rare",
                "model": {"method": "tiny-cnn", "width": 8},
                "recipe": {"method": "sgd", "lr": self.lr, "epochs": 3},
                "augment": [{"method": "shift", "pixels": 1}, {"method": "mixup", "alpha": 0.2}],
                "loss": {"method": "cross-entropy"},
                "rebalance": None,
                "synthetic": {"generator": "ddpm", "balance": True, "mix": "real+synthetic"}
                if name == "synthetic"
                else None,
                "init": None,
                "distill": {"method": "kd", "teacher": {"arm": "baseline", "seed": "same"}}
                if name == "student"
                else None,
                "compress": [{"method": "magnitude", "sparsity": 0.5}] if name == "pruned" else [],
                "precision": "fp32",
                "threads": 1,
                "weights": None,
                "predictions": None,
                "search": None,
            }
        plain = {"from": None, "like": None, "subset": None, "classes": {"keep": None, "hold-out": []}, "split": None}
        plain |= {"imbalance": None, "label-noise": None, "class-map": None, "private": False}
        datasets = {
            "digits": {
                **plain,
                "source": {"method": "digits"},
                "split": {"val": self.val, "test": 0.2},
                "private": self.private,
            },
            "digits-rare": {
                **plain,
                "source": None,
                "from": "digits",
                "imbalance": {"method": "exponential", "ratio": 20},
            },
            "glyphs": {**plain, "source": {"method": "glyphs"}, "like": "digits"},
        }
        generator = {"method": {"method": "ddpm", "steps": 50}, "dataset": "digits-rare", "seeds": 1, "threads": 1}
        claims = [
            {
                "claim": "Pruning costs nothing",
                "expect": "pruned.accuracy >= baseline.accuracy",
                "primary": True,
                "alpha": 0.05,
            },
            {
                "claim": "Pruning helps",
                "expect": "pruned.accuracy > baseline.accuracy",
                "primary": False,
                "alpha": 0.05,
            },
        ]
        return {
            "study": "digits",
            "folder": "digits",
            "description": "Real digits, made long-tailed.",
            "seeds": self.seeds,
            "vary": ["init", "order", "augment"],
            "scale": None,
            "variant": None,
            "datasets": datasets,
            "generators": {"ddpm": generator} if "synthetic" in self.arms else {},
            "encoders": {},
            "arms": arms,
            "evaluate": {"accuracy": {}, "ood": {"detectors": self.detectors}},
            "claims": claims if self.claims else [],
            "track": self.track,
        }

    def write(self) -> Tree:
        """Plan the study and write `study.json`."""
        study = self.study()
        self.plan = plan = Plan(study)
        data = {}
        for name, parent in (("digits", None), ("digits-rare", "digits"), ("glyphs", None)):
            inputs = {"parent": data[parent].digest} if parent else {}
            data[name] = self._job("data", name, {"name": name, "private": False}, inputs)
            plan.add(f"datasets/{name}", "data", [data[name]], [])
        if "synthetic" in self.arms:
            generator = self._job(
                "generator", "ddpm", study["generators"]["ddpm"], {"dataset": data["digits-rare"].digest}
            )
            plan.add("generators/ddpm/seed-0", "generator", [generator], [])
        evaluations: dict[str, str] = {}
        for arm, declared in study["arms"].items():
            for seed in self.seeds:
                stem = f"{arm}/seed-{seed}"
                inputs = {"dataset": data["digits-rare"].digest}
                if declared["synthetic"]:
                    made = self._job("synthetic", "ddpm-balanced", {"balance": True}, {"generator": generator.digest})
                    plan.add(f"{stem}/synthetic", "synthetic", [made], [])
                    inputs["synthetic"] = made.digest
                if declared["distill"]:
                    inputs["teacher/0"] = plan.records[f"baseline/seed-{seed}/train"].jobs[0]
                keys = ("model", "recipe", "augment", "loss", "distill")
                spec = {key: declared[key] for key in keys} | {"seed": seed, "arm": arm, "precision": "fp32"}
                model = self._job("train", f"{arm}-s{seed}", spec, inputs)
                plan.add(f"{stem}/train", "train", [model], [])
                if declared["compress"]:
                    spec = {"method": declared["compress"][0]}
                    model = self._job("compress", f"{arm}-s{seed}", spec, {"model": model.digest})
                    plan.add(f"{stem}/compress", "compress", [model], [])
                sets = {}
                for part in ("test", "glyphs"):
                    of = data["glyphs" if part == "glyphs" else "digits-rare"].digest
                    spec = {"split": "test", "threads": 1}
                    sets[part] = self._job(
                        "predict", f"{arm}-{part}", spec, {"model": model.digest, "dataset": of}, part
                    )
                plan.add(f"{stem}/predict", "predict", list(sets.values()), [])
                inputs = {f"set/{part}": job.digest for part, job in sets.items()}
                accuracy = self._job("evaluate", "accuracy", {"family": "accuracy", "options": {}}, inputs, "accuracy")
                plan.add(f"{stem}/accuracy", "evaluate", [accuracy], [])
                found = [
                    self._job("evaluate", f"ood-{name}", {"family": "ood", "options": name}, inputs, f"ood/{name}")
                    for name in self.detectors
                ]
                plan.add(f"{stem}/ood", "evaluate", found, [])
                evaluations[f"{arm}/{seed}/accuracy"] = accuracy.digest
        if self.claims:
            job = self._job("claims", "of-2", {"claims": study["claims"]}, evaluations)
            plan.add("claims", "claims", [job], [])
        body = plan.as_json() | {"config": "study: digits\n"}
        write_json(self.folder / "study.json", body)
        return self

    def _job(self, stage: str, label: str, spec: dict, inputs: dict, part: str | None = None) -> Job:
        return Job(stage, label, spec, inputs, {f"assay.{stage}.job": self.code}, part)

    # -- results ---------------------------------------------------------------------------------------------

    def work(self, digest: str) -> Path:
        return self.root / "work" / digest[:16]

    def model_digest(self, arm: str, seed: int) -> str:
        path = f"{arm}/seed-{seed}/" + ("compress" if arm == "pruned" else "train")
        return self.plan.records[path].jobs[-1]

    def train_digest(self, arm: str, seed: int) -> str:
        return self.plan.records[f"{arm}/seed-{seed}/train"].jobs[0]

    def lines(self, digest: str, steps: int, start: int = 1) -> list[dict[str, Any]]:
        """Curve lines: the values follow from digest and step alone, the times from a clock that goes on."""
        shift = int(digest[:4], 16) / 65536
        made = []
        for step in range(start, steps + 1):
            self.clock += 0.25
            line = {"step": step, "time": round(self.clock, 3), "epoch": step / 4, "loss": 2.0 / (step + shift)}
            if step % 4 == 0:
                line["val_accuracy"] = 1 - 0.5 / (step + shift)
            made.append(line)
        return made

    def grow(self, digest: str, lines: list[dict[str, Any]], *, keep: int | None = None) -> None:
        """Append lines to the curve file of a running job, after cutting it to `keep` lines."""
        file = self.work(digest) / "curves.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        old = file.read_text().splitlines(keepends=True)[:keep] if file.exists() else []
        file.write_text("".join(old) + "".join(json.dumps(line) + "\n" for line in lines))

    def seal(self, digest: str) -> None:
        """Compute a job: its files follow from its digest."""
        job = self.plan.jobs[digest]
        folder = self.root / job.folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        rng = np.random.default_rng(int(digest[:8], 16))
        started = self.clock
        live = self.work(digest) / "curves.jsonl"
        if live.exists():
            live.rename(folder / "curves.jsonl")
        elif job.stage in ("train", "compress", "generator"):
            text = "".join(json.dumps(line) + "\n" for line in self.lines(digest, self.steps))
            (folder / "curves.jsonl").write_text(text)
        shutil.rmtree(self.work(digest), ignore_errors=True)
        self.clock += 1
        getattr(self, f"_make_{job.stage}")(folder, job, rng)
        (folder / "log.txt").write_text(f"{job.label} went well\n")
        run = {"stage": job.stage, "label": job.label, "digest": digest, "spec": job.spec, "started": started}
        run |= {"finished": self.clock, "seconds": self.clock - started, "cpu_seconds": 0.5, "peak_memory_bytes": 10**8}
        run |= {"device": "cpu (test)", "precision": "fp32", "threads": 1, "python": "3.11.7", "command": "assay ..."}
        run |= {"packages": {"torch": "2.11.0"}, "git": {"commit": "b" * 40, "dirty": False}}
        write_json(folder / "run.json", run)
        contents = {
            file.name: {"size": file.stat().st_size, "sha256": sha256_file(file)} for file in sorted(folder.iterdir())
        }
        write_json(folder / "seal.json", {"digest": digest, "content": sha256_text(digest), "contents": contents})

    def _make_data(self, folder: Path, _job: Job, rng: np.random.Generator) -> None:
        images = rng.integers(0, 256, (6, 8, 8, 1), np.uint8)
        np.save(folder / "train.images.npy", images)
        np.savez(folder / "train.npz", id=np.array([f"secret-{n}" for n in range(6)]), label=np.arange(6))
        Image.fromarray(images.reshape(48, 8)).save(folder / "sheet.png")
        card = {"classes": list("012345"), "size": 8, "channels": 1, "total": {"train": 6}, "digest": "d" * 64}
        card["decisions"] = {"turned": {"count": 9, "ids": ["secret-1"]}}
        write_json(folder / "card.json", card)

    def _make_generator(self, folder: Path, job: Job, rng: np.random.Generator) -> None:
        save_file({"w": rng.normal(size=(4, 4)).astype(np.float32)}, folder / "generator.safetensors")
        write_json(folder / "generator.json", {"method": job.spec["method"]})

    def _make_synthetic(self, folder: Path, _job: Job, rng: np.random.Generator) -> None:
        np.save(folder / "synthetic.images.npy", rng.integers(0, 256, (4, 8, 8, 1), np.uint8))
        np.savez(folder / "synthetic.npz", id=np.array(list("abcd")), label=np.arange(4))
        Image.fromarray(rng.integers(0, 256, (32, 8), np.uint8)).save(folder / "sheet.png")
        write_json(folder / "card.json", {"classes": list("0123"), "size": 8, "channels": 1, "total": {"synthetic": 4}})
        write_json(folder / "quality.json", {})

    def _make_train(self, folder: Path, _job: Job, rng: np.random.Generator) -> None:
        save_file({"head.weight": rng.normal(size=(40, 40)).astype(np.float32)}, folder / "model.safetensors")
        write_json(
            folder / "model.json", {"model": {"method": "tiny-cnn"}, "channels": 1, "classes": list("0123"), "size": 8}
        )

        images = rng.integers(0, 256, (2, 16, 8, 8, 1), np.uint8)
        np.savez(folder / "samples.npz", real=images[0], altered=images[1])

    _make_compress = _make_train

    def _make_predict(self, folder: Path, _job: Job, rng: np.random.Generator) -> None:
        ids = np.array([f"secret-{n}" for n in range(5)])
        np.savez(folder / "predictions.npz", logits=rng.normal(size=(5, 6)), id=ids, label=np.arange(5))

    def _make_evaluate(self, folder: Path, job: Job, rng: np.random.Generator) -> None:
        rows = []
        if job.spec["family"] == "accuracy":
            rows.append({"metric": "accuracy", "keys": {}, "value": float(rng.uniform(0.8, 0.9)), "note": None})
            for name in ("0", "1", "a/b (c)"):
                rows.append({"metric": "recall", "keys": {"class": name}, "value": float(rng.uniform()), "note": None})
            rows.append({"metric": "recall", "keys": {"class": "2"}, "value": None, "note": "no test image of class 2"})
        else:
            for name in ("glyphs", "hold-out"):
                keys = {"set": name, "detector": job.spec["options"]}
                rows.append({"metric": "auroc", "keys": keys, "value": float(rng.uniform(0.6, 1)), "note": None})
            for number in range(self.extra):
                keys = {"set": f"far-{number}", "detector": job.spec["options"]}
                rows.append({"metric": "auroc", "keys": keys, "value": float(rng.uniform(0.6, 1)), "note": None})
        write_json(folder / "metrics.json", rows)
        write_json(folder / "figures.json", {**self._figures(job), "ids": ["secret-1"]})

    def _figures(self, job: Job) -> dict[str, Any]:
        """Two classes, of which a quarter of the first is taken for the second, and a detector that never errs."""
        if job.spec["family"] == "accuracy":
            recall = {"test": [0.75, 1.0]}
            return {
                "classes": ["a", "b"],
                "train-counts": [9, 3],
                "confusion": {"test": [[3, 1], [0, 4]]},
                "recall": recall,
            }
        density = {"test": [0.5, 0.5] + [0.0] * 38, "glyphs": [0.0] * 38 + [0.5, 0.5]}
        roc = {"glyphs": {"fpr": [0.0, 0.0, 1.0], "tpr": [0.0, 1.0, 1.0]}}
        drawn = {"edges": [float(edge) for edge in range(41)], "density": density, "roc": roc}
        return {"detectors": {job.spec["options"]: drawn}}

    def _make_claims(self, folder: Path, _job: Job, _rng: np.random.Generator) -> None:
        one = {"effect": 0.01, "interval": [-0.02, 0.04], "level": 0.95, "p": 0.3, "p_holm": 0.6, "n": len(self.seeds)}
        verdicts = [{**one, "verdict": "supported"}, {**one, "verdict": "inconclusive", "interval": [None, None]}]
        write_json(folder / "verdicts.json", verdicts)

    def record(self, path: str, reason: str | None = None) -> None:
        """Write a record, done or failed."""
        planned = self.plan.records[path]
        for digest in planned.jobs:
            if reason is None and not (self.root / self.plan.jobs[digest].folder / "seal.json").exists():
                self.seal(digest)
        jobs = [
            self.plan.jobs[digest].as_json() | {"status": "failed" if reason else "done"} for digest in planned.jobs
        ]
        body = {"record": path, "stage": planned.stage, "status": "failed" if reason else "done", "reason": reason}
        write_json(self.folder / f"{path}.json", body | {"digest": planned.digest, "headline": {}, "jobs": jobs})

    def finish(self, *arms: str) -> Tree:
        """Compute everything, or the trials of some arms."""
        for path in self.plan.records:
            if not arms or path.split("/")[0] in arms:
                self.record(path)
        return self

    def fail(self, arm: str, seed: int, reason: str) -> None:
        """Let a training fail, and with it what needs it."""
        digest = self.train_digest(arm, seed)
        self.grow(digest, self.lines(digest, 3))
        (self.work(digest) / "log.txt").write_text("Traceback\nMethodError: loss is NaN\n")
        for path in self.plan.records:
            if path.startswith(f"{arm}/seed-{seed}/"):
                for failed in self.plan.records[path].jobs:
                    shutil.rmtree(self.root / self.plan.jobs[failed].folder, ignore_errors=True)
                self.record(path, reason if path.endswith("/train") else f"needs {arm}: {reason}")
        failure = {"reason": reason, "label": arm, "stage": "train", "time": self.clock, "log": "Traceback"}
        write_json(self.root / ".assay" / "failed" / f"{digest}.json", failure)

    def uri(self) -> str:
        return f"sqlite:///{self.root / 'mlflow.db'}"


class Server:
    """What a test asks of the tracking store, through MLflow's own client."""

    def __init__(self, uri: str, study: str = "digits"):
        from assay.track.store import quiet

        quiet()
        from mlflow import MlflowClient

        self.client = MlflowClient(uri, registry_uri=uri)
        self.study = study

    @property
    def experiment(self) -> Any:
        return self.client.get_experiment_by_name(self.study)

    def runs(self, *, current: bool = True, **tags: str) -> list[Any]:
        found = self.client.search_runs([self.experiment.experiment_id], max_results=5000)
        if current:
            found = [run for run in found if run.data.tags["assay.superseded"] == "false"]
        return [run for run in found if all(run.data.tags.get(f"assay.{key}") == value for key, value in tags.items())]

    def run(self, **tags: str) -> Any:
        (found,) = self.runs(**tags)
        return found

    def history(self, run: Any, key: str) -> list[tuple[int, float]]:
        return [(entry.step, entry.value) for entry in self.client.get_metric_history(run.info.run_id, key)]

    def artifacts(self, run: Any, folder: str | None = None) -> set[str]:
        found = set()
        for entry in self.client.list_artifacts(run.info.run_id, folder):
            found |= self.artifacts(run, entry.path) if entry.is_dir else {entry.path}
        return found

    def text(self, run: Any, path: str) -> str:
        return Path(self.client.download_artifacts(run.info.run_id, path)).read_text(encoding="utf-8")
