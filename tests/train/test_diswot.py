"""Students compared with their teacher before any is trained."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from assay.data.dataset import Split
from assay.errors import MethodError
from assay.models.classifier import build
from assay.train.diswot import score, semantics, students
from scipy.special import softmax
from sklearn.datasets import load_digits


@pytest.fixture
def network(registry, entry):
    def make(name="resnet8", seed=0, **options):
        return build(registry, entry("model", name, **options), 1, 3, 8, torch.Generator().manual_seed(seed))

    return make


def test_what_speaks_of_classes_is_the_gradient_at_the_head(network):
    """`g = (p - y)^T f / B`, by NumPy, and its rows multiplied with each other."""
    model = network(width=2)
    generator = torch.Generator().manual_seed(1)
    x, labels = torch.rand(12, 1, 8, 8, generator=generator), torch.arange(12) % 3
    classes, images = semantics(model, x, labels)
    with torch.no_grad():
        features = model.train().features(x)
        logits = model.head(features).double().numpy()
    f, y = features.double().numpy(), np.eye(3)[labels]
    gradient = (softmax(logits, axis=1) - y).T @ f / 12
    expected = gradient @ gradient.T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(classes.numpy(), expected, atol=1e-4)
    assert images.shape == (12, 12)
    torch.testing.assert_close(images.norm(dim=1), torch.ones(12))


def test_the_score_is_that_of_both_differences():
    own = torch.eye(2), torch.eye(3)
    its = torch.eye(2).flip(0), torch.ones(3, 3)
    # Four ones over two classes, and six over nine pairs of images.
    assert score(own, its) == pytest.approx(-(4 / 2 + 6 / 9))
    assert score(own, own) == 0


@pytest.fixture
def spec(entry):
    points = [
        {"model": entry("model", "tiny-cnn", width=4)},
        {"model": entry("model", "resnet8", width=16)},
        {"model": entry("model", "resnet8", width=1)},
    ]
    streams = {"init": -1, "order": -1, "augment": -1}
    return {"points": points, "model": points[0]["model"], "teacher": points[1]["model"], "streams": streams}


@pytest.fixture
def digits(toy):
    """Real images of ten classes; three are too few to tell networks apart by them."""
    images, labels = load_digits(return_X_y=True)
    pixels = (images.reshape(-1, 8, 8, 1) * 15.9).astype(np.uint8)
    known = labels.astype(np.int64)
    train = Split(pixels, known, np.array([str(number) for number in range(len(known))]), known)
    return replace(toy, splits={"train": train}, classes=list("0123456789"))


def test_the_architecture_of_the_teacher_is_most_like_it(spec, registry, digits):
    """Other weights of the same network beat a network of another kind and one with a channel."""
    made = students(spec, registry, digits)
    assert made["index"] == 1
    assert made["choice"] == spec["points"][1]
    assert made["score"] == max(made["scores"]) < 0
    assert students(spec, registry, digits) == made
    turned = students({**spec, "points": spec["points"][::-1]}, registry, digits)
    assert turned["choice"] == made["choice"]


def test_options_of_a_model_are_points_too(spec, registry, digits, entry):
    points = [{"model.width": 1}, {"model.width": 16}]
    made = students({**spec, "model": entry("model", "resnet8"), "points": points}, registry, digits)
    assert made["choice"] == {"model.width": 16}


def test_a_network_without_maps_is_refused(spec, registry, toy, entry):
    with pytest.raises(MethodError, match="choose a convolutional one"):
        students({**spec, "points": [{"model": entry("model", "mlp")}]}, registry, toy)
