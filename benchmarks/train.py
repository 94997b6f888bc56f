"""Training speed beside the usual loop (DataLoader, PIL transforms, fp32), at equal accuracy, in one run.

What each figure means is told in README.md beside this file.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from assay.data.dataset import Dataset
from assay.data.job import build as build_dataset
from assay.models.classifier import Classifier, build
from assay.run.fetch.shelf import shelf
from assay.streams import Streams
from assay.study.registry import Registry, scan
from assay.train.infer import logits_and_features
from assay.train.job import train
from machine import machine
from parts import NoCheckpoints, entry
from torch import nn
from torch.utils.data import DataLoader

HERE = Path(__file__).resolve().parent

STREAMS = {"split": 0, "alteration": 0, "generator": 0}

#: Models that need a recipe of their own to learn anything in a few epochs.
ADAMW = ("vit-tiny", "cct", "cvt", "convnext-tiny", "mlp-mixer")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["resnet20", "vit-tiny"], help="names, or `all`")
    parser.add_argument("--images", type=int, default=10_000, help="train images, the first of CIFAR-10")
    parser.add_argument("--epochs", type=int, default=4, help="of which the first is not timed")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tests", type=int, default=2000, help="test images, the first of CIFAR-10")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of torch, and workers of the loader")
    parser.add_argument(
        "--cpu-seconds", action="store_true", help="CPU time of one thread, not time on the clock: for a busy machine"
    )
    parser.add_argument("--variants", action="store_true", help="also fp32, compile and deterministic, one seed each")
    parser.add_argument("--downloads", type=Path, default=Path("results/downloads"), help="cache of published files")
    parser.add_argument("--random", action="store_true", help="random images in place of CIFAR-10's")
    chosen = parser.parse_args()
    if chosen.epochs < 2:
        parser.error("--epochs must be 2 or more: the first is not timed")
    if chosen.cpu_seconds:
        chosen.threads = 1
    registry = scan()
    names = chosen.models
    if names == ["all"]:
        names = [name for name in registry.names("model") if name not in ("timm", "torchvision")]
    torch.set_num_threads(chosen.threads)
    data = images_of(registry, chosen)
    print(f"machine: {machine()}")
    what = "random" if chosen.random else "CIFAR-10"
    print(f"torch {torch.__version__}, {chosen.threads} threads; {what}: {len(data.splits['train'].labels)} images,")
    print(f"{chosen.epochs} epochs, batch {chosen.batch}, crop + flip, {chosen.seeds} seeds\n")
    unit = "images a CPU second" if chosen.cpu_seconds else "images a second"
    print(f"{'':24}{unit:>24}{'':9}{'test accuracy':>26}")
    print(f"{'model':24}{'Assay':>12}{'usual':>12}{'ratio':>9}{'Assay':>13}{'usual':>13}")
    for name in names:
        compare(registry, data, name, chosen)
    clock, computed = fixed_cost()
    print(f"\nfixed cost of a training job from a warm process: {clock:.2f} s")
    print(f"CPU time of its computation: {computed:.2f} s")


def compare(registry: Registry, data: Dataset, name: str, chosen: argparse.Namespace) -> None:
    """One row for a model, and one for each variant of ours."""
    usual: list[tuple[float, float]] = []
    rows: dict[str, list[tuple[float, float]]] = {name: []}
    # In turn, so that a machine that gets slower does so for both.
    for seed in range(chosen.seeds):
        usual.append(theirs(registry, data, name, seed, chosen))
        rows[name].append(ours(registry, data, name, seed, chosen))
    if chosen.variants:
        for key, value in (("precision", "fp32"), ("compile", True), ("deterministic", True)):
            rows[f"  {key}: {str(value).lower()}"] = [ours(registry, data, name, 0, chosen, **{key: value})]
    base = statistics.median(speed for speed, _ in usual)
    for row, made in rows.items():
        speed = statistics.median(speed for speed, _ in made)
        print(f"{row:24}{speed:12.0f}{base:12.0f}{speed / base:8.2f}x{spread(made):>13}{spread(usual):>13}", flush=True)


def spread(runs: list[tuple[float, float]]) -> str:
    """Mean and standard deviation of the accuracies."""
    values = [accuracy for _, accuracy in runs]
    return f"{statistics.mean(values):.3f}" + (f"±{statistics.stdev(values):.3f}" if len(values) > 1 else "")


def images_of(registry: Registry, chosen: argparse.Namespace) -> Dataset:
    """The first train images and the first test images."""
    if chosen.random:
        from cifar_batches import write_random

        with tempfile.TemporaryDirectory() as work:
            write_random(Path(work, "batches"), chosen.images, 500)
            registry = scan([HERE / "cifar_batches.py"])
            source = entry(registry, "source", "cifar-batches", path=f"{work}/batches")
            data = build_dataset({"source": source, "streams": STREAMS}, registry)
    else:
        spec = {"source": entry(registry, "source", "cifar10"), "streams": STREAMS}
        data = build_dataset(spec, registry, files=shelf(None, chosen.downloads.resolve()))
    for split, count in (("train", chosen.images), ("test", chosen.tests)):
        whole = data.splits[split]
        for field in ("images", "labels", "ids"):
            setattr(whole, field, np.ascontiguousarray(getattr(whole, field)[:count]))
    return Dataset(data.classes, {name: data.splits[name] for name in ("train", "test")}, data.card)


def ours(
    registry: Registry, data: Dataset, name: str, seed: int, chosen: argparse.Namespace, **changes: Any
) -> tuple[float, float]:
    """Images a second and test accuracy of the stage `train`."""
    length = {"epochs": chosen.epochs, "batch": chosen.batch, "warmup": 0.0}
    recipe = entry(registry, "recipe", "sgd", lr=0.1, **{"weight-decay": 5e-4}, **length)
    if name in ADAMW:
        recipe = entry(registry, "recipe", "adamw", lr=5e-4, **{"weight-decay": 0.05}, **length)
    spec = {
        "model": entry(registry, "model", name),
        "trainable": entry(registry, "trainable", "all"),
        "recipe": recipe,
        "augment": [entry(registry, "augment", "crop"), entry(registry, "augment", "flip")],
        "loss": entry(registry, "loss", "cross-entropy"),
        "rebalance": None,
        "robust": None,
        "synthetic": None,
        "init": None,
        "distill": None,
        "precision": "auto",
        "streams": dict.fromkeys(("init", "order", "augment"), seed),
    }
    ends: list[float] = []
    clock = time.process_time if chosen.cpu_seconds else time.perf_counter

    def log(_step: int, **values: float) -> None:
        if "train.loss" in values:
            ends.append(clock())

    with redirect_stdout(io.StringIO()):
        model = train(spec | changes, registry, data, log=log, checkpoints=NoCheckpoints())
    speed = (chosen.epochs - 1) * len(data.splits["train"].labels) / (ends[-1] - ends[0])
    return speed, accuracy(model, data)


def theirs(registry: Registry, data: Dataset, name: str, seed: int, chosen: argparse.Namespace) -> tuple[float, float]:
    """The same of the usual loop: worker processes, PIL transforms for each image, fp32, torch's default layout.

    CPU time is that of one process, so there the loader works in it, which saves it the way from one to another.
    """
    from torchvision.transforms import v2

    split = data.splits["train"]
    generator = Streams({"init": seed, "order": seed, "augment": seed}).torch("init", "model")
    model = build(registry, entry(registry, "model", name), 3, len(data.classes), data.size, generator)
    model.fit_normalisation(split.images)
    transform = v2.Compose(
        [v2.RandomCrop(32, 4), v2.RandomHorizontalFlip(), v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)]
    )
    loader = DataLoader(
        Pictures(split.images, split.labels, transform),
        chosen.batch,
        shuffle=True,
        num_workers=0 if chosen.cpu_seconds else chosen.threads,
        persistent_workers=not chosen.cpu_seconds,
    )
    optimizer: torch.optim.Optimizer
    if name in ADAMW:
        optimizer = torch.optim.AdamW(decayed(model, 0.05), lr=5e-4)
    else:
        optimizer = torch.optim.SGD(decayed(model, 5e-4), lr=0.1, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, chosen.epochs * len(loader))
    torch.manual_seed(seed)
    model.train()
    clock = time.process_time if chosen.cpu_seconds else time.perf_counter
    ends = []
    for _ in range(chosen.epochs):
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        ends.append(clock())
    return (chosen.epochs - 1) * len(split.labels) / (ends[-1] - ends[0]), accuracy(model, data)


def decayed(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Parameter groups in which biases and scales do not decay, as our recipes have them."""
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


class Pictures(torch.utils.data.Dataset[Any]):
    """Images as PIL pictures, transformed one by one."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform: Callable[[Any], Any]):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def accuracy(model: Classifier, data: Dataset) -> float:
    """On the test images."""
    split = data.splits["test"]
    logits, _ = logits_and_features(model.eval(), split.images)
    return float((logits.argmax(axis=1) == split.labels).mean())


def fixed_cost() -> tuple[float, float]:
    """Seconds from the call of a training job of one step to its exit, from a warm process; the least of three.

    The second figure is the CPU time of what lies between, as `run.json` tells it, which others do not slow down.
    """
    config = (
        "study: cost\nseeds: 4\ndatasets:\n  few: {source: digits, subset: 64, split: {test: 0.5}}\n"
        "arms:\n  one: {dataset: few, model: tiny-cnn, recipe: {epochs: 1, batch: 64}}\n"
    )
    took = []
    with tempfile.TemporaryDirectory() as work:
        Path(work, "cost.yaml").write_text(config, encoding="utf-8")
        root = HERE.parent
        command = [str(Path(sys.executable).with_name("snakemake")), "--snakefile", str(root / "Snakefile"),
                   "--directory", work, "--cores", "1", "--config", "study=cost.yaml"]  # fmt: skip
        subprocess.run([*command, "--until", "build_dataset"], check=True, capture_output=True)
        for seed in range(4):
            start = time.perf_counter()
            job = [str(Path(sys.executable).with_name("assay")), "train", f"results/cost/one/seed-{seed}/train.json"]
            subprocess.run(job, cwd=work, check=True, capture_output=True)
            took.append(time.perf_counter() - start)
        runs = [json.loads(file.read_text()) for file in Path(work, "results/store/train").glob("*/run.json")]
    return min(took[1:]), min(run["cpu_seconds"] for run in runs)


if __name__ == "__main__":
    main()
