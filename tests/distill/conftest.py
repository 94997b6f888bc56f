from __future__ import annotations

import pytest
import torch
from assay.augment.draw import Draw
from assay.distill.contract import Batch, Output
from assay.train.job import train


@pytest.fixture
def numbers():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def pair(numbers):
    """`pair(B, K, D, E, maps)`: what a student with D features and a teacher with E gave for B images of K classes."""

    def make(images=6, classes=4, own=5, its=7, maps=((3, 8), (6, 4)), teacher_maps=((5, 8), (9, 4))):
        def output(width, shapes):
            return Output(
                torch.randn(images, classes, generator=numbers) * 3,
                torch.randn(images, width, generator=numbers),
                [torch.randn(images, c, side, side, generator=numbers) for c, side in shapes],
            )

        return output(own, maps), output(its, teacher_maps)

    return make


@pytest.fixture
def batch(numbers):
    """`batch(B, K)`: B images with labels 0, 1, .. K-1, 0, .. and a loss each."""

    def make(images=6, classes=4):
        labels = torch.arange(images) % classes
        targets = torch.nn.functional.one_hot(labels, classes).float()
        x = torch.rand(images, 1, 8, 8, generator=numbers)

        def task(logits, features):
            return torch.nn.functional.cross_entropy(logits, targets, reduction="none")

        return Batch(torch.rand(images, generator=numbers), targets, x, labels, Draw(3, 0, torch.arange(images)), task)

    return make


@pytest.fixture
def run(registry, entry, toy, memory):
    """`run(distill, teachers, ...)`: a network trained on the toy data."""

    def trained(distill=None, teachers=(), model=("mlp", {}), epochs=60, dataset=toy, record=None, lesson=None, **more):
        spec = {
            "model": entry("model", model[0], **model[1]),
            "trainable": entry("trainable", "all"),
            "recipe": entry("recipe", more.pop("recipe", "sgd"), epochs=epochs, batch=more.pop("batch", 48), lr=0.05),
            "augment": more.pop("augment", []),
            "loss": entry("loss", "cross-entropy"),
            "distill": distill,
            "taught": lesson,
            "precision": "fp32",
            "streams": {"init": 0, "order": 0, "augment": 0} | more,
        }
        record = record or memory()
        return train(spec, registry, dataset, teachers=teachers, log=record.log, checkpoints=record)

    return trained
