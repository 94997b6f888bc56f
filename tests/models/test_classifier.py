import numpy as np
import pytest
import torch
from assay.models.classifier import Classifier, build
from assay.models.initialise import initialise
from torch import nn

MODELS = ["resnet8", "resnet20", "tiny-cnn", "mlp", "linear"]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 32), (3, 64)])
def test_shapes_and_gradients(registry, entry, name, channels, size):
    model = build(registry, entry("model", name), channels, 5, size, torch.Generator().manual_seed(0))
    x = torch.rand(2, channels, size, size)
    features = model.features(x)
    assert features.shape == (2, model.head.in_features)
    logits = model(x)
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("name", MODELS)
def test_initial_weights_come_from_the_generator_alone(registry, entry, name):
    def draw(seed):
        return build(registry, entry("model", name), 1, 4, 8, torch.Generator().manual_seed(seed)).state_dict()

    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = draw(3)
    assert torch.equal(torch.get_rng_state(), before), "the global random state moved"
    torch.manual_seed(2)
    again, other = draw(3), draw(4)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])
    drawn = [key for key in first if key.endswith("weight") and first[key].ndim > 1]
    assert not any(torch.equal(first[key], other[key]) for key in drawn)


def test_forward_is_head_of_features_of_normalised_images():
    model = Classifier(nn.Flatten(), 2, 2, 2)
    images = np.zeros((4, 1, 1, 2), np.uint8)
    images[:, 0, 0, 0] = [0, 0, 255, 255]  # mean 0.5, standard deviation 0.5
    images[:, 0, 0, 1] = 51  # constant 0.2
    model.fit_normalisation(images)
    torch.testing.assert_close(model.mean, torch.tensor([0.5, 0.2]))
    torch.testing.assert_close(model.std, torch.tensor([0.5, 1.0]))
    x = torch.tensor([[[[1.0]], [[0.7]]]])
    torch.testing.assert_close(model.features(x), torch.tensor([[1.0, 0.5]]))
    expected = model.head.weight @ torch.tensor([1.0, 0.5]) + model.head.bias
    torch.testing.assert_close(model(x)[0], expected)


def test_scale_of_initial_convolutions_is_he():
    layer = nn.Conv2d(64, 128, 3)
    initialise(layer, torch.Generator().manual_seed(0))
    assert layer.weight.std().item() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)
    assert not layer.bias.any()


def test_a_module_without_a_rule_is_refused_and_its_own_rule_is_used():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(3))

    class OwnRule(Scale):
        def initialise(self, generator):
            self.scale.uniform_(2, 3, generator=generator)

    with pytest.raises(TypeError, match=r"Scale owns parameters.*initialise\(generator\)"):
        initialise(nn.Sequential(Scale()), torch.Generator())
    module = OwnRule()
    initialise(nn.Sequential(module), torch.Generator())
    assert (module.scale >= 2).all()
