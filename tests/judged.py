"""A trial with a small model and images, for the tests of evaluations that look at images anew."""

from __future__ import annotations

import numpy as np
import torch
from assay.data.dataset import Split
from assay.errors import MethodError
from assay.evaluate.trial import Trial
from assay.models.classifier import Classifier
from torch import Tensor, nn


def split_of(images: np.ndarray, labels: np.ndarray, prefix: str = "test", groups: np.ndarray | None = None) -> Split:
    """A split whose ids are numbers behind a prefix."""
    ids = np.array([f"{prefix}-{number}" for number in range(len(images))])
    return Split(images, labels.astype(np.int64), ids, labels.astype(np.int64), groups)


def pictures(count: int = 60, side: int = 8, channels: int = 3, classes: int = 3, seed: int = 0) -> Split:
    """Noisy images whose class is where they are bright, in a third of their rows."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    images = rng.normal(90, 40, (count, side, side, channels))
    for number in range(classes):
        rows = slice(number * side // classes, (number + 1) * side // classes)
        images[labels == number, rows] += 40
    return split_of(np.clip(images, 0, 255).astype(np.uint8), labels)


class Linear(Classifier):
    """A linear classifier of plain pixels."""

    def __init__(self, weight: Tensor, bias: Tensor, channels: int):
        head = nn.Linear(weight.shape[1], len(weight))
        super().__init__(nn.Flatten(), weight.shape[1], channels, len(weight), head)
        with torch.no_grad():
            head.weight.copy_(weight)
            head.bias.copy_(bias)
        self.eval()


def convolutional(split: Split, classes: int = 3, norm: bool = True, seed: int = 0, epochs: int = 12) -> Classifier:
    """A small network with (or without) batch normalisation, trained on the split."""
    channels = split.images.shape[3]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8) if norm else nn.Identity(), nn.ReLU()]
        model = Classifier(nn.Sequential(*layers, nn.AvgPool2d(2), nn.Flatten()), 8 * 16, channels, classes)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    images = torch.from_numpy(split.images).permute(0, 3, 1, 2).float() / 255
    labels = torch.from_numpy(split.labels)
    model.train()
    for _ in range(epochs):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimiser.step()
    return model.eval()


def trial_of(model: Classifier | None, split: Split, classes: int = 3) -> Trial:
    """A trial whose test and val split are this one."""
    splits = {"test": split, "val": split}

    def find(name: str) -> Split:
        if name not in splits:
            raise MethodError(f"no split {name}")
        return splits[name]

    return Trial(
        classes=[str(number) for number in range(classes)],
        counts=np.ones(classes, np.int64),
        model=None if model is None else lambda: model,
        split=None if model is None else find,
        size=split.images.shape[1],
        channels=split.images.shape[3],
    )
