"""Initialisations against closed forms: variances, orthogonality, identities; and what each leaves alone."""

import math

import pytest
import torch
from assay.errors import MethodError
from assay.models.classifier import Classifier, build
from assay.study.registry import bind
from torch import nn

NORMAL = 3.0  # kurtosis
UNIFORM = 1.8
CUT = 2.3  # of a normal that is cut at two deviations, roughly


@pytest.fixture
def started(registry, entry):
    def start(name, model=None, seed=0, **options):
        model = model or Plain()
        bind(registry, "init", entry("init", name, **options))(model, torch.Generator().manual_seed(seed))
        return model

    return start


class Plain(nn.Module):
    """A strided convolution, one in groups, a filter that is not trained, a norm layer, and a head."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(40, 100, 5)
        self.grouped = nn.Conv2d(40, 80, 3, groups=4)
        self.fixed = nn.Conv2d(3, 4, 2)
        self.fixed.weight.requires_grad_(False)
        del self.fixed.weight
        self.fixed.register_buffer("weight", torch.ones(4, 3, 2, 2))
        self.norm = nn.BatchNorm2d(80)
        self.head = nn.Linear(300, 200)


# fan-in and fan-out by hand: 40 * 25 and 100 * 25; (40 / 4) * 9 and 80 * 9; 300 and 200.
FANS = {"conv": (1000, 2500), "grouped": (90, 720), "head": (300, 200)}
VARIANCES = {
    "he-normal": (lambda i, _: 2 / i, NORMAL),
    "he-uniform": (lambda i, _: 2 / i, UNIFORM),
    "xavier-normal": (lambda i, o: 2 / (i + o), NORMAL),
    "xavier-uniform": (lambda i, o: 2 / (i + o), UNIFORM),
    "lecun-normal": (lambda i, _: 1 / i, NORMAL),
    "torch": (lambda i, _: 1 / (3 * i), UNIFORM),
    # A standard normal that is cut at +-2 has the variance 1 - 4 phi(2) / (2 Phi(2) - 1) = 0.7737.
    "truncated-normal": (lambda *_: 0.7737 * 0.02**2, CUT),
}


@pytest.mark.parametrize("name", VARIANCES)
def test_variance_and_shape_of_the_distribution(started, name):
    model = started(name)
    variance, kurtosis = VARIANCES[name]
    for layer, fans in FANS.items():
        weight = getattr(model, layer).weight.detach().double()
        n = weight.numel()
        assert weight.mean().item() == pytest.approx(0, abs=5 * math.sqrt(variance(*fans) / n))
        assert weight.var().item() == pytest.approx(variance(*fans), rel=5 * math.sqrt(2 / n))
        assert (weight**4).mean().item() / weight.var().item() ** 2 == pytest.approx(kurtosis, rel=0.12)


@pytest.mark.parametrize("name", [*VARIANCES, "orthogonal", "delta-orthogonal", "dirac"])
def test_draws_come_from_the_generator_and_the_rest_stays(started, name):
    one, same, other = (started(name, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.head.weight, same.head.weight)
    assert torch.equal(one.conv.weight, same.conv.weight)
    assert not torch.equal(one.head.weight, other.head.weight)
    assert (one.fixed.weight == 1).all()
    assert (one.norm.weight == 1).all()
    for layer in (one.conv, one.head):
        if name == "torch":
            assert 0 < layer.bias.abs().max() <= layer.weight[0].numel() ** -0.5
        else:
            assert not layer.bias.any()


def test_torch_is_what_torch_does(started):
    torch.manual_seed(3)
    theirs = nn.Conv2d(40, 100, 5)
    ours = started("torch").conv
    for name in ("weight", "bias"):
        a, b = (getattr(layer, name).detach().flatten().sort().values for layer in (ours, theirs))
        assert (a - b).abs().max() < 0.25 * b.abs().max()  # the same quantiles, as far as 100 shifts show
    assert ours.weight.abs().max() <= 1000**-0.5


@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_orthogonal_matrices(started, gain):
    model = started("orthogonal", gain=gain)
    rows = model.conv.weight.detach().reshape(100, -1)  # fewer rows than columns
    torch.testing.assert_close(rows @ rows.T, gain**2 * torch.eye(100), atol=1e-5, rtol=0)
    torch.testing.assert_close(model.head.weight @ model.head.weight.T, gain**2 * torch.eye(200), atol=1e-5, rtol=0)


def test_delta_orthogonal_convolutions_keep_the_norm_of_an_image(started):
    model = nn.Sequential(nn.Conv2d(8, 12, 3, padding=1, bias=False), nn.Conv2d(12, 24, 3, padding=1, groups=2))
    started("delta-orthogonal", model)
    x = torch.randn(2, 8, 6, 6)
    y = model[0](x)
    assert y.norm().item() == pytest.approx(x.norm().item(), rel=1e-5)
    assert model[1](y).norm().item() == pytest.approx(x.norm().item(), rel=1e-5)
    kernel = model[0].weight.detach()
    assert kernel[:, :, 1, 1].norm() == pytest.approx(kernel.norm())  # all else is zero
    assert model[1].weight[0, :, 1, 1].norm().item() < 1.01


def test_dirac_hands_inputs_on(started):
    model = nn.Sequential(nn.Conv2d(4, 6, 3, padding=1), nn.Conv2d(6, 4, 3, padding=1, groups=2), nn.Conv2d(4, 2, 1))
    started("dirac", model)
    x = torch.rand(2, 4, 5, 5)
    y = model[0](x)
    torch.testing.assert_close(y[:, :4], x)
    assert 0 < model[0].weight[4:].abs().max() <= (4 * 9) ** -0.5
    # Each group of three inputs has two outputs, which are its first two inputs.
    torch.testing.assert_close(model[1](y), y[:, [0, 1, 3, 4]])
    torch.testing.assert_close(model[2](x), x[:, :2])


def test_dirac_is_what_airbench_has_by_itself(registry, entry, started):
    own = build(registry, entry("model", "airbench94"), 3, 10, 12, torch.Generator().manual_seed(0))
    again = started("dirac", build(registry, entry("model", "airbench94"), 3, 10, 12, torch.Generator().manual_seed(5)))
    for one, other in zip(own.backbone.rest.modules(), again.backbone.rest.modules(), strict=True):
        if isinstance(one, nn.Conv2d):
            inputs = one.in_channels
            assert torch.equal(one.weight[:inputs], other.weight[:inputs])


@pytest.mark.parametrize("name", ["resnet8", "resnet50", "mobilenetv2"])
def test_zero_gamma_makes_blocks_their_shortcuts(registry, entry, started, name):
    options = {} if name == "mobilenetv2" else {"width": 4}
    model = build(registry, entry("model", name, **options), 3, 5, 8, torch.Generator().manual_seed(0)).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    started("zero-gamma", model)
    changed = [key for key, value in model.state_dict().items() if not torch.equal(value, before[key])]
    blocks = [block for block in model.modules() if hasattr(block, "last_norm") and block.last_norm() is not None]
    assert len(changed) == len(blocks) > 2
    for block in blocks:
        if getattr(block, "project", None) is None and getattr(block, "stride", 1) == 1:
            x = torch.rand(2, before_channels(block), 4, 4)
            torch.testing.assert_close(block(x), x)


def before_channels(block):
    first = next(module for module in block.modules() if isinstance(module, nn.Conv2d))
    return first.in_channels


def test_zero_gamma_says_where_it_has_no_place(registry, entry, started):
    model = build(registry, entry("model", "tiny-cnn"), 3, 5, 8, torch.Generator())
    with pytest.raises(MethodError, match="this model has none"):
        started("zero-gamma", model)


def test_every_model_of_convolutions_takes_every_initialisation(registry, entry, started):
    for name in registry.names("init"):
        model = build(registry, entry("model", "resnet8", width=4), 3, 5, 8, torch.Generator().manual_seed(0))
        assert isinstance(started(name, model), Classifier)
        assert model(torch.rand(2, 3, 8, 8)).isfinite().all()
