from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from assay.augment.draw import Draw
from assay.models.classifier import Classifier
from assay.train.images import Images
from assay.train.robust.objective import Batch, Training
from assay.train.setup import held_out
from torch import nn

CPU = torch.device("cpu")


@pytest.fixture
def training(toy):
    """Two linear networks with weights of their own, on the toy images."""
    networks = []
    for seed in (0, 1):
        network = Classifier(nn.Flatten(), 64, 1, 3)
        with torch.no_grad():
            network.head.weight.normal_(generator=torch.Generator().manual_seed(seed))
        networks.append(network)

    def cross_entropy(logits, targets):
        return F.cross_entropy(logits, targets, reduction="none")

    images = Images([toy.splits["train"]], 3, CPU)
    return Training(
        networks, images, cross_entropy, torch.Generator().manual_seed(9), val=held_out(toy.splits["val"], CPU)
    )


@pytest.fixture
def batch(training):
    """`batch(indices, views)`: the images as they are; `views` maps (number, first) to other views of them."""

    def make(indices, views=None):
        indices = torch.as_tensor(indices)
        x, targets = training.images.batch(indices)
        return Batch(x, targets, indices, Draw(0, 0, indices), lambda number, first: views[number, first])

    return make
