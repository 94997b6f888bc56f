from __future__ import annotations

import pytest
import torch
from assay.models.classifier import build
from assay.study.registry import bind


@pytest.fixture
def model(registry, entry):
    """`model(name, **options)`: untrained, for 3 classes of 8 x 8 grey images."""

    def make(name="tiny-cnn", **options):
        return build(registry, entry("model", name, **options), 1, 3, 8, torch.Generator().manual_seed(0))

    return make


@pytest.fixture
def prepare(registry, entry):
    """`prepare(model, name, **options)`: freeze all but the trainable part; what comes back makes the model plain."""

    def apply(model, name, **options):
        return bind(registry, "trainable", entry("trainable", name, **options))(model, torch.Generator().manual_seed(1))

    return apply


@pytest.fixture
def trained():
    """`trained(model)`: how many parameters train."""
    return lambda model: sum(value.numel() for value in model.parameters() if value.requires_grad)
