"""Several seeds of an arm together on one device, beside one after another, in one run.

What each figure means is told in README.md beside this file.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import numpy as np
import torch
from assay.data.dataset import Dataset, Split
from assay.study.registry import Registry, scan
from assay.train.job import train
from assay.train.together.job import Member, train_together
from machine import machine
from parts import NoCheckpoints, entry

#: Side and channels of the images, images a step, augmentations and recipe of each network; the batch is for a GPU.
NETWORKS: dict[str, dict[str, Any]] = {
    "resnet20": {"shape": (32, 32, 3), "batch": 128, "augment": ["crop", "flip"], "recipe": "sgd"},
    "airbench94": {"shape": (32, 32, 3), "batch": 1024, "augment": ["translate", "flip"], "recipe": "airbench94"},
    "mlp": {"shape": (8, 8, 1), "batch": 64, "augment": ["translate"], "recipe": "sgd"},
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[2, 4, 8], help="how many train together")
    parser.add_argument("--steps", type=int, default=20, help="steps of the epoch that is timed; one goes before")
    parser.add_argument("--batch", type=int, help="images a step; each network's own without it")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--threads", type=int, default=1, help="threads of the CPU")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the median is printed")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    name = torch.cuda.get_device_name() if chosen.device.startswith("cuda") else f"{chosen.threads} CPU threads"
    print(f"machine: {machine()}; {name}, {chosen.precision}")
    print(f"versions: torch {torch.__version__}")
    print(f"images: random; median of {chosen.repeats} epochs of {chosen.steps} steps\n")
    print(f"{'network':14}{'batch':>7}{'seeds':>7}{'one by one':>14}{'together':>14}{'ratio':>9}")
    registry = scan()
    for network in chosen.networks:
        row(registry, network, chosen)


def row(registry: Registry, network: str, chosen: argparse.Namespace) -> None:
    """The rows of a network: images a second over all seeds, and how much more there are together."""
    about = NETWORKS[network]
    batch = chosen.batch or about["batch"]
    dataset = images(batch * chosen.steps, about["shape"])
    spec = {
        "model": entry(registry, "model", network),
        "trainable": {"method": "all"},
        "recipe": {**entry(registry, "recipe", about["recipe"]), "epochs": 2, "batch": batch},
        "augment": [entry(registry, "augment", name) for name in about["augment"]],
        "loss": entry(registry, "loss", "cross-entropy"),
        **dict.fromkeys(("rebalance", "robust", "synthetic", "init", "distill")),
        "precision": chosen.precision,
    }
    before = statistics.median(alone(spec, registry, dataset, chosen.device) for _ in range(chosen.repeats))
    for count in chosen.seeds:
        after = statistics.median(
            together(spec, count, registry, dataset, chosen.device) for _ in range(chosen.repeats)
        )
        print(f"{network:14}{batch:7}{count:7}{before:12.0f}/s{after:12.0f}/s{after / before:8.2f}x", flush=True)


def images(count: int, shape: tuple[int, ...]) -> Dataset:
    """Random images of ten classes."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, count)
    ids = np.array([str(number) for number in range(count)])
    pixels = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
    return Dataset([str(number) for number in range(10)], {"train": Split(pixels, labels, ids, labels.copy())})


class Speed(NoCheckpoints):
    """Takes the curves of a training and keeps the images a second of its last epoch; saves nothing."""

    def __init__(self) -> None:
        self.images = 0.0

    def log(self, step: int, **values: float) -> None:  # noqa: ARG002
        """The last call counts; in an epoch of at most 50 steps it covers all of them."""
        self.images = values["throughput"]


def streams(seed: int) -> dict[str, int]:
    """Of a seed that varies all of them."""
    return dict.fromkeys(("init", "order", "augment"), seed)


def alone(spec: dict[str, Any], registry: Registry, dataset: Dataset, device: str) -> float:
    """Images a second of one seed; of several one after another it is the same."""
    speed = Speed()
    with redirect_stdout(StringIO()):
        train({**spec, "streams": streams(0)}, registry, dataset, log=speed.log, checkpoints=speed, device=device)
    return speed.images


def together(spec: dict[str, Any], count: int, registry: Registry, dataset: Dataset, device: str) -> float:
    """Images a second of all seeds in one training."""
    speeds = [Speed() for _ in range(count)]
    members = [Member(f"s{seed}", streams(seed), speed.log) for seed, speed in enumerate(speeds)]
    with redirect_stdout(StringIO()):
        train_together(spec, members, registry, dataset, checkpoints=speeds[0], device=device)
    return sum(speed.images for speed in speeds)


if __name__ == "__main__":
    main()
