"""Test-time augmentation, against the views and weights of `airbench94.py` written out anew."""

import numpy as np
import pytest
import torch
from assay.models.classifier import build
from assay.train.infer import logits_and_features
from assay.train.views import VIEWS, mean_features


@pytest.fixture
def model(registry, entry):
    return build(registry, entry("model", "tiny-cnn", width=4), 3, 5, 8, torch.Generator().manual_seed(0)).eval()


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), np.uint8)


def published(model, x, level):
    """`infer` of the script at a level of test-time augmentation."""

    def mirrored(x):
        return 0.5 * model(x) + 0.5 * model(x.flip(-1))

    if level < 2:
        return model(x) if level == 0 else mirrored(x)
    padded = torch.nn.functional.pad(x, (1,) * 4, "reflect")
    size = x.shape[-1]
    shifted = [mirrored(padded[:, :, 0:size, 0:size]), mirrored(padded[:, :, 2 : size + 2, 2 : size + 2])]
    return 0.5 * mirrored(x) + 0.5 * torch.stack(shifted).mean(0)


@pytest.mark.parametrize(("tta", "level"), [("none", 0), ("mirror", 1), ("mirror-translate", 2)])
def test_logits_are_those_of_the_script(model, images, tta, level):
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    logits, features = logits_and_features(model, images, 3, tta)
    with torch.no_grad():
        np.testing.assert_allclose(logits, published(model, x, level).numpy(), atol=1e-5)
        # The head of the mean features gives the logits, so that what reads features sees the same prediction.
        np.testing.assert_allclose(model.head(torch.from_numpy(features)).numpy(), logits, atol=1e-5)
    if level:
        assert abs(logits - logits_and_features(model, images)[0]).max() > 1e-3


def test_views_are_mirrored_and_shifted_by_one_pixel():
    x = torch.arange(9.0).reshape(1, 1, 3, 3)  # shifts come before mirrors
    views = [view(x)[0, 0].tolist() for _, view in VIEWS["mirror-translate"]]
    assert views[0] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert views[1] == [[2, 1, 0], [5, 4, 3], [8, 7, 6]]
    assert views[2] == [[4, 5, 4], [7, 8, 7], [4, 5, 4]]  # up and left
    assert views[3] == [row[::-1] for row in views[2]]
    assert views[4] == [[4, 3, 4], [1, 0, 1], [4, 3, 4]]  # down and right
    assert views[5] == [row[::-1] for row in views[4]]


@pytest.mark.parametrize("tta", VIEWS)
def test_weights_sum_to_one_and_mirrored_images_fare_the_same(model, tta):
    assert sum(weight for weight, _ in VIEWS[tta]) == 1
    x = torch.rand(3, 3, 8, 8)
    with torch.no_grad():
        both = [mean_features(model.features, each, tta) for each in (x, x.flip(3))]
    assert torch.allclose(*both, atol=1e-5) == (tta == "mirror")
