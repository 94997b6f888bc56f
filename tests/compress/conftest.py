from __future__ import annotations

import copy

import pytest
import torch
from assay.models.classifier import Classifier, build
from assay.train.job import train


@pytest.fixture
def spec(entry):
    return {
        "method": entry("compress", "magnitude", sparsity=0.6, finetune_epochs=3),
        "model": entry("model", "tiny-cnn", width=8),
        "recipe": entry("recipe", "sgd", epochs=15, batch=16),
        "augment": [entry("augment", "crop", padding=1)],
        "loss": entry("loss", "cross-entropy"),
        "precision": "fp32",
        "threads": 1,
        "streams": {"init": 0, "order": 0, "augment": 0},
    }


@pytest.fixture
def parent(spec, registry, toy, memory):
    record = memory()
    return train(spec, registry, toy, log=record.log, checkpoints=record)


@pytest.fixture
def make(registry, entry):
    """`make(name, size=8, **options)`: a network for 3 classes of grey images, with some statistics in it."""

    def network(name="tiny-cnn", size=8, **options) -> Classifier:
        generator = torch.Generator().manual_seed(0)
        model = build(registry, entry("model", name, **options), 1, 3, size, generator).requires_grad_(True)
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.ndim == 1 and tensor.is_floating_point():
                tensor.data.add_(0.2 + 0.3 * torch.rand(tensor.shape, generator=generator))
        return model.eval()

    return network


@pytest.fixture
def images():
    return torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(3))


class Still:
    """Stands for what a method may ask of the training; it trains nothing and notes what it was asked."""

    def __init__(self, images=None, start=None, others=(), scores=None):
        self.images, self.initial, self.others, self.scores = images, start, list(others), dict(scores or {})
        self.calls = []

    def __call__(self, _, **how):
        self.calls.append(how)

    def sample(self, count):
        return self.images[:count], torch.eye(3)[torch.arange(len(self.images[:count])) % 3]

    def start(self):
        return copy.deepcopy(self.initial)

    def generator(self):
        return torch.Generator().manual_seed(5)

    def statistics(self, _):
        self.calls.append("statistics")


@pytest.fixture
def still():
    return Still
