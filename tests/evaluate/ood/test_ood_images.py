"""Detectors that need the model and the images, against pytorch-ood and what they reduce to."""

from functools import partial

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.evaluate.ood.family import family
from assay.evaluate.ood.layer_mahalanobis import LayerMahalanobis
from assay.evaluate.ood.mahalanobis import Mahalanobis
from assay.evaluate.ood.msp import MaximumSoftmaxProbability
from assay.evaluate.ood.odin import Odin
from assay.evaluate.trial import Predictions, Trial
from assay.models.classifier import build
from assay.study.registry import scan
from assay.train.infer import logits_and_features
from pytorch_ood.detector import ODIN, MultiMahalanobis

ENTRY = {"method": "resnet8", **{key: one.default for key, one in scan().card("model", "resnet8").options.items()}}


@pytest.fixture(scope="module")
def model():
    made = build(scan(), ENTRY | {"width": 4}, 1, 3, 8, torch.Generator().manual_seed(0))
    made.fit_normalisation(images(100, 0))
    # Statistics that are not those of an untrained network, as after training.
    made.train()
    with torch.no_grad():
        for _ in range(20):
            made(torch.from_numpy(images(64, 1)).permute(0, 3, 1, 2) / 255)
    return made.eval()


def images(count, seed):
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 1)).astype(np.uint8)


def watching(detector, model):
    detector.watch(model)
    return detector


@pytest.mark.parametrize(("temperature", "epsilon"), [(1000.0, 0.0014), (1.0, 0.02), (10.0, 0.0)])
def test_odin_agrees_with_pytorch_ood(model, temperature, epsilon):
    shown = images(300, 2)
    found = watching(Odin(temperature, epsilon), model).score(None, None, images=shown)
    theirs = ODIN(model, eps=epsilon, temperature=temperature)
    expected = theirs.predict(torch.from_numpy(shown).permute(0, 3, 1, 2).contiguous() / 255).detach().numpy()
    assert found == pytest.approx(expected, abs=1e-5)


def test_odin_without_a_step_is_msp_at_its_temperature(model):
    shown = images(20, 3)
    logits, _ = logits_and_features(model, shown)
    found = watching(Odin(2.0, 0.0), model).score(None, logits, images=shown)
    assert found == pytest.approx(MaximumSoftmaxProbability().score(None, logits / 2), abs=1e-6)
    moved = watching(Odin(2.0, 0.05), model).score(None, logits, images=shown)
    assert (moved < found).mean() > 0.9  # images are moved to where the network is surer
    assert all(weight.grad is None for weight in model.parameters())


def layers(model, shown):
    pixels = torch.from_numpy(shown).permute(0, 3, 1, 2) / 255
    kept = []
    handles = [
        part.register_forward_hook(lambda *call: kept.append(call[2].detach()))
        for part in model.backbone.modules()
        if not list(part.children())
    ]
    with torch.no_grad():
        last = model.features(pixels)
    for handle in handles:
        handle.remove()
    return [found for found in kept if found.ndim == 4], last


def test_distances_in_layers_agree_with_pytorch_ood(model):
    train, shown, labels = images(200, 4), images(50, 5), np.arange(200) % 3
    detector = watching(LayerMahalanobis([1.0, 0.5, 2.0, 1.0]), model)
    detector.fit(None, None, labels, None, images=train)
    found = detector.score(None, None, images=shown)
    fitted, asked = (detector._layers(each) for each in (train, shown))
    assert [layer.shape[1] for layer in fitted] == [4, 8, 16, 16]
    _, last = layers(model, shown)
    assert asked[-1] == pytest.approx(last.numpy(), abs=1e-5)
    # The last map of a network that averages it over its places has the features as its means.
    assert asked[-2] == pytest.approx(asked[-1], abs=1e-5)
    theirs = MultiMahalanobis([torch.nn.Identity()] * 4, alpha=[1.0, 0.5, 2.0, 1.0])
    theirs.fit_structured([torch.from_numpy(layer) for layer in fitted], torch.from_numpy(labels))
    expected = theirs.predict_structured([torch.from_numpy(layer) for layer in asked], device="cpu").numpy()
    assert found == pytest.approx(expected * 2 * len(train), rel=1e-2)


def test_a_network_without_maps_has_the_distance_of_its_features():
    linear = build(scan(), {"method": "linear"}, 1, 3, 8, torch.Generator().manual_seed(0))
    train, shown, labels = images(100, 6), images(20, 7), np.arange(100) % 3
    detector = watching(LayerMahalanobis(None), linear)
    detector.fit(None, None, labels, None, images=train)
    alone = Mahalanobis()
    alone.fit(logits_and_features(linear, train)[1], None, labels, None)
    expected = alone.score(logits_and_features(linear, shown)[1], None)
    assert detector.score(None, None, images=shown) == pytest.approx(expected)
    with pytest.raises(MethodError, match="2 weights for 1 layers"):
        watching(LayerMahalanobis([1.0, 2.0]), linear).fit(None, None, labels, None, images=train)


def test_the_family_hands_on_model_and_images(model):
    sets = {}
    for number, name in enumerate(("train", "val", "test", "noise")):
        shown = images(60, number)
        logits, features = logits_and_features(model, shown)
        sets[name] = Predictions(logits, features, np.arange(60).astype(str), np.arange(60) % 3, shown)
    trial = Trial(["a", "b", "c"], np.full(3, 20), sets, model=lambda: model)
    makers = {
        "odin": partial(Odin, temperature=1000.0, epsilon=0.0014),
        "layers": partial(LayerMahalanobis, weights=None),
    }
    rows = family(trial, makers, [], ["noise"]).rows
    assert len(rows) == 20
    assert all(0 <= row.value <= 1 for row in rows)
    trial.model = None
    with pytest.raises(MethodError, match="needs a model"):
        family(trial, makers, [], ["noise"])
