"""Diffusion models that are told features of images in place of classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from assay.data.dataset import Dataset, Split
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import bind, scan
from assay.synthesize.fit import fit
from assay.synthesize.represented import Represented, standardised
from assay.synthesize.sampling import Sampling

REGISTRY = scan()
STREAMS = Streams({"generator": 6})


class Never:
    """Checkpoints that are not kept."""

    def load(self):
        return None

    def due(self):
        return False


def defaults(kind, name):
    return {"method": name, **{key: option.default for key, option in REGISTRY.card(kind, name).options.items()}}


def levels(count=120):
    """Grey images of two classes; what tells them apart is how bright they are, 20 to 230, the class none of it."""
    bright = np.linspace(20, 230, count).round()
    images = np.broadcast_to(bright[:, None, None, None], (count, 8, 8, 1)).astype(np.uint8)
    labels = np.arange(count) % 2
    return Dataset(["a", "b"], {"train": Split(images, labels, np.arange(count).astype(str), labels.copy())})


def brightness(images):
    """Two features: how bright an image is, and nothing."""
    mean = images.reshape(len(images), -1).mean(1)
    return np.stack([mean, np.ones(len(images))], 1).astype(np.float32)


@pytest.fixture(scope="module")
def told():
    method = {**defaults("generator", "ddpm"), "steps": 150, "width": 8, "batch": 32, "lr": 0.01}
    spec = {"method": method, "streams": {"generator": 6}, "precision": "fp32", "threads": 1}
    return fit(spec, REGISTRY, levels(), lambda *_, **__: None, Never(), encode=brightness)


def sampled(generator, asked, guidance=0.0):
    sampling = Sampling(bind(REGISTRY, "sampler", defaults("sampler", "ddim")), 12, guidance, 1.0)
    return generator.sample(asked, STREAMS, (np.zeros((1, 8, 8, 1), np.uint8), np.zeros(1)), sampling)


def test_an_image_is_a_variation_of_the_one_whose_features_the_network_is_told(told, monkeypatch):
    numbers = []
    chosen = Represented.chosen
    monkeypatch.setattr(Represented, "chosen", lambda *given: numbers.append(chosen(*given)) or numbers[-1])
    asked = np.arange(60) % 2
    made = sampled(told, asked)
    train = levels().splits["train"]
    assert (train.labels[numbers[0]] == asked).all()
    truth = train.images[numbers[0]].mean((1, 2, 3))
    assert np.corrcoef(made.mean((1, 2, 3)), truth)[0, 1] > 0.9
    assert len(np.unique(numbers[0])) > 30


def test_weights_carry_the_features_along(told):
    other = bind(REGISTRY, "generator", {**defaults("generator", "ddpm"), "width": 8})()
    other.restore(told.state(), (8, 8, 1), 2)
    asked = np.array([1, 0, 1])
    assert np.array_equal(sampled(other, asked, guidance=1.0), sampled(told, asked, guidance=1.0))


def test_features_and_none_by_hand():
    table = standardised(np.array([[1.0, 5.0], [3.0, 5.0]], np.float32))
    assert table.tolist() == [[-1, 0], [1, 0]]
    made = Represented(table, torch.tensor([0, 2]), 3)
    with torch.no_grad():
        made.map.weight.copy_(torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]))
        made.map.bias.zero_()
        made.none.weight.fill_(7)
    assert made(torch.tensor([1, 2, 0])).tolist() == [[1, 2, 0], [7, 7, 7], [-1, -2, 0]]
    with pytest.raises(MethodError, match="class number 1 has no train image"):
        made.chosen(np.array([0, 1]), np.random.default_rng(0))
