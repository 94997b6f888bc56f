"""Does a DDPM, trained for some minutes on grey images of 28 x 28, make images that a classifier recognises?

What each figure means is told in README.md beside this file.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from assay.data.dataset import Dataset
from assay.data.job import build
from assay.models.classifier import Classifier
from assay.run.fetch.shelf import shelf
from assay.streams import Streams
from assay.study.registry import Registry, scan
from assay.synthesize.fit import computing, fit
from assay.synthesize.sampling import Sampling
from assay.synthesize.unet import UNet
from assay.train.infer import logits_and_features
from assay.train.job import train
from machine import machine
from parts import NoCheckpoints, entry

STREAMS = {"split": 0, "alteration": 0, "generator": 0, "init": 0, "order": 0, "augment": 0}
#: Channels and epochs of the classifier that judges.
WIDTH = 8
EPOCHS = 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="fashion-mnist", choices=["fashion-mnist", "mnist", "kmnist"])
    parser.add_argument("--generator", default="ddpm", choices=["ddpm", "edm"])
    parser.add_argument("--steps", type=int, help="training iterations; the generator's default without it")
    parser.add_argument("--pace-steps", type=int, default=50, help="iterations of each timing of the bare network")
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--guidance", type=float, help="the sampler's default without it")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--downloads", type=Path, default=Path("results/downloads"), help="cache of published files")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    registry = scan()
    spec = {"source": {"method": chosen.dataset}, "split": {"val": 0.1}, "streams": STREAMS}
    dataset = build(spec, registry, files=shelf(None, chosen.downloads))
    print(f"machine: {machine()}; {chosen.threads} threads")

    judge = classifier(registry, dataset)
    print(f"judge (resnet8 of width {WIDTH}, {EPOCHS} epochs of real images)")
    print(f"  on real test images: {agreement(judge, dataset):.1%}")

    method = entry(registry, "generator", chosen.generator) | ({"steps": chosen.steps} if chosen.steps else {})
    began = clocks()
    made = {"method": method, "streams": STREAMS, "precision": "auto", "threads": chosen.threads}
    generator = fit(made, registry, dataset, lambda *_, **__: None, NoCheckpoints())
    print(f"training {method['steps']} steps of {method['batch']} images: {since(began)}")

    own, bare = pace(registry, dataset, method | {"steps": chosen.pace_steps}, chosen.threads)
    print(f"steps a second: {own:.1f}, of the bare network {bare:.1f}: {own / bare:.0%} of it")

    card = registry.card("generator", chosen.generator)
    sampler = entry(registry, "sampler", card.sampler)
    sampler |= {} if chosen.guidance is None else {"guidance": chosen.guidance}
    labels = np.repeat(np.arange(len(dataset.classes)), chosen.per_class)
    sampling = Sampling.of(registry, sampler)
    began = clocks()
    train_split = dataset.splits["train"]
    with computing("auto"):
        images = generator.sample(labels, Streams(STREAMS), (train_split.images, train_split.labels), sampling)
    print(f"sampling {len(labels)} images, {sampling.evaluations} network evaluations each: {since(began)}")
    seen = logits_and_features(judge, images)[0].argmax(1)
    print(f"the judge sees the intended class in {(seen == labels).mean():.1%} of them")
    for label, name in enumerate(dataset.classes):
        print(f"  {name}: {(seen == labels)[labels == label].mean():.0%}")


def pace(registry: Registry, dataset: Dataset, method: dict[str, Any], threads: int) -> tuple[float, float]:
    """Training steps a second, and those of the network alone: forwards, backwards and Adam on one batch of noise.

    Each is the best of three timings, taken in turns, so that what else the machine does reaches both; what is done
    once, before the first step, is taken off.
    """
    batch, steps, size = method["batch"], method["steps"], dataset.size
    draw = torch.Generator().manual_seed(0)
    net = UNet(dataset.channels, size, len(dataset.classes), method["width"])
    net.reset(draw)
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    x = torch.randn(batch, dataset.channels, size, size, generator=draw)
    t, y = torch.rand(batch, generator=draw), torch.zeros(batch, dtype=torch.int64)

    def trained(steps: int) -> None:
        entry = method | {"steps": steps}
        spec = {"method": entry, "streams": STREAMS, "precision": "auto", "threads": threads}
        fit(spec, registry, dataset, lambda *_, **__: None, NoCheckpoints())

    def alone(steps: int) -> None:
        with computing("auto"):
            for _ in range(steps):
                optimizer.zero_grad()
                net(x, t, y).float().square().mean().backward()
                optimizer.step()

    seconds: list[list[float]] = [[], []]
    for _ in range(3):
        for kept, work in zip(seconds, (trained, alone), strict=True):
            began = time.monotonic()
            work(1)
            once = time.monotonic() - began
            work(1 + steps)
            kept.append(time.monotonic() - began - 2 * once)
    own, bare = (steps / min(each) for each in seconds)
    return own, bare


def classifier(registry: Registry, dataset: Dataset) -> Classifier:
    """A classifier trained on real images alone."""
    recipe = entry(registry, "recipe", "sgd") | {"epochs": EPOCHS, "batch": 128}
    spec = {
        "model": entry(registry, "model", "resnet8") | {"width": WIDTH},
        "recipe": recipe,
        "loss": entry(registry, "loss", "cross-entropy"),
        "augment": [],
        "precision": "auto",
        "streams": STREAMS,
    }
    return train(spec, registry, dataset, log=lambda *_, **__: None, checkpoints=NoCheckpoints())


def agreement(judge: Classifier, dataset: Dataset) -> float:
    """The judge's accuracy on real test images."""
    test = dataset.splits["test"]
    return float((logits_and_features(judge, test.images)[0].argmax(1) == test.labels).mean())


def clocks() -> tuple[float, float]:
    """Wall-clock and CPU seconds."""
    return time.monotonic(), time.process_time()


def since(began: tuple[float, float]) -> str:
    """What has passed."""
    wall, cpu = (now - then for now, then in zip(clocks(), began, strict=True))
    return f"{wall:.0f} s, of CPU time {cpu:.0f} s"


if __name__ == "__main__":
    main()
