"""What holds for every registered architecture."""

import copy

import pytest
import torch
from assay.errors import MethodError
from assay.models.classifier import Classifier, build
from assay.study.registry import scan

#: Networks of depth or width that only costs time here, by options that make them small.
OPTIONS = {
    "timm": {"name": "mobilenetv3_small_050"},
    "torchvision": {"name": "resnet18"},
    "vit-tiny": {"depth": 1},
    "cct": {"depth": 1, "width": 64},
    "cvt": {"depth": 1, "width": 64},
    "mlp-mixer": {"depth": 1, "width": 16},
    "experts-resnet": {"depth": 8, "width": 4},
    "resnet18": {"width": 4},
    "resnet34": {"width": 4},
    "resnet50": {"width": 4},
    "resnet56": {"width": 2},
    "resnet110": {"width": 2},
    "preact-resnet110": {"width": 2},
    "preact-resnet56": {"width": 2},
    "vgg11": {"width": 4},
    "vgg16": {"width": 4},
    "all-cnn-c": {"width": 8},
    "densenet-bc-100-12": {"growth": 2},
    "shufflenetv2": {"width": 0.5},
}
#: The smallest size of those that do not take 8 pixels.
SMALLEST = {"all-cnn-c": 9, "airbench94": 9, "airbench95": 9, "airbench96": 9, "lenet": 16, "convnext-tiny": 16}
#: Too large to run several times here; they share their code with a smaller one that does.
BUILT_ONCE = ("wrn-28-10", "airbench95", "convnext-tiny", "wrn-40-2", "preact-resnet110")

NAMES = scan().names("model")
RUN = [name for name in NAMES if name not in BUILT_ONCE]


@pytest.fixture
def make(registry, entry):
    def build_it(name, channels=1, size=None, seed=0, classes=5):
        what = entry("model", name, **OPTIONS.get(name, {}))
        size = size or SMALLEST.get(name, 8)
        return build(registry, what, channels, classes, size, torch.Generator().manual_seed(seed))

    return build_it


def check(model, channels, size):
    x = torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(5))
    features = model.features(x)
    assert features.shape == (2, model.head.in_features)
    logits = model(x)
    assert logits.shape == (2, 5)
    assert logits.isfinite().all()
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
    lost = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.isfinite().all()]
    assert not lost
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.eval()
    with torch.no_grad():
        # Features and logits belong together, and evaluation neither draws nor learns.
        assert torch.equal(model(x), model(x))
        torch.testing.assert_close(model.head(model.features(x)), model(x))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("name", RUN)
def test_forward_and_backward_at_the_smallest_size(make, name):
    size = SMALLEST.get(name, 8)
    check(make(name), 1, size)


@pytest.mark.parametrize("name", BUILT_ONCE)
def test_large_networks_are_built_and_run_once(make, name):
    size = SMALLEST.get(name, 8)
    model = make(name)
    assert isinstance(model, Classifier)
    with torch.no_grad():
        assert model.eval()(torch.rand(1, 1, size, size)).shape == (1, 5)


# One of each family, with other sizes; 28 is even twice only, 64 leaves larger maps than anything else here.
@pytest.mark.parametrize("size", [28, 64])
@pytest.mark.parametrize(
    "name", ["resnet8", "preact-resnet20", "resnet18", "vgg11", "all-cnn-c", "nin", "lenet", "shufflenetv2", "vit-tiny",
             "cct", "cvt", "mlp-mixer", "airbench94", "tiny-cnn"],
)  # fmt: skip
def test_other_sizes_and_colours(make, name, size):
    check(make(name, channels=3, size=size), 3, size)


@pytest.mark.parametrize("name", sorted(SMALLEST))
def test_smaller_images_are_refused(make, name):
    with pytest.raises(MethodError, match=f"at least {SMALLEST[name]} x {SMALLEST[name]} pixels"):
        make(name, size=SMALLEST[name] - 1)


def test_patches_that_do_not_tile_are_refused(make):
    for name in ("vit-tiny", "cvt", "mlp-mixer"):
        with pytest.raises(MethodError, match="patches of 4 do not tile 10 x 10 pixels; patch can be 1, 2, 5, 10"):
            make(name, size=10)
    with pytest.raises(MethodError, match="at least 3 x 3"):
        make("cct", size=2)


@pytest.mark.parametrize("name", RUN)
def test_weights_come_from_the_generator_alone_and_round_trip(make, name):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    model = make(name, seed=3)
    assert torch.equal(torch.get_rng_state(), state), "the global random state moved"
    torch.manual_seed(2)
    again, other = make(name, seed=3).state_dict(), make(name, seed=4)
    first = copy.deepcopy(model.state_dict())
    assert all(torch.equal(value, again[key]) for key, value in first.items())
    drawn = [key for key in first if key.endswith("weight") and first[key].ndim > 1]
    if name.startswith("airbench"):
        # Square convolutions start as the identity, whatever the seed.
        drawn = [key for key in drawn if first[key].shape[0] != first[key].shape[1]]
    assert drawn
    assert not any(torch.equal(first[key], other.state_dict()[key]) for key in drawn)
    other.load_state_dict(first)
    x = torch.rand(2, 1, *2 * [SMALLEST.get(name, 8)])
    with torch.no_grad():
        assert torch.equal(other.eval()(x), model.eval()(x))
