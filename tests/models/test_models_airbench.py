"""The airbench networks against the published script, written out anew with torch's own layers."""

import copy

import numpy as np
import pytest
import torch
from assay.models.airbench.network import Airbench, Whiten
from assay.models.classifier import build
from torch import nn


@pytest.fixture(scope="module")
def images():
    """Smooth noise, whose neighbouring pixels and colours go together."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(60, 12, 12, 3)).cumsum(axis=1).cumsum(axis=2) + 3 * rng.normal(size=(60, 12, 12, 1))
    return (noise * 8 + 120).clip(0, 255).astype(np.uint8)


def make(registry, entry, name, size=12, **options):
    return build(registry, entry("model", name, **options), 3, 10, size, torch.Generator().manual_seed(0))


def published_filters(x):
    """`init_whitening_conv` of the script on normalised images `[N,C,H,W]`: filters `[24,C,2,2]`."""
    patches = x.unfold(2, 2, 1).unfold(3, 2, 1).transpose(1, 3).reshape(-1, 3, 2, 2)
    flat = patches.reshape(len(patches), -1)
    values, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))
    scaled = vectors.T.reshape(12, 3, 2, 2).flip(0) / torch.sqrt(values.flip(0).view(-1, 1, 1, 1) + 5e-4)
    return torch.cat([scaled, -scaled])


def normalised(model, images):
    x = torch.from_numpy(images).permute(0, 3, 1, 2).double() / 255
    return (x - model.mean[:, None, None].double()) / model.std[:, None, None].double()


def test_filters_are_those_of_the_script(registry, entry, images):
    model = make(registry, entry, "airbench94")
    assert isinstance(model, Airbench)
    model.fit_normalisation(images)
    expected = published_filters(normalised(model, images))
    found = model.backbone.whiten.weight.double()
    # An eigenvector's sign is free; each filter comes with its negative, so the order of the two is as well.
    agree = (found * expected).flatten(1).sum(1).sign()[:, None, None, None]
    torch.testing.assert_close(found * agree, expected, rtol=1e-4, atol=1e-4)


def test_patches_become_white(registry, entry, images):
    model = make(registry, entry, "airbench94")
    model.fit_normalisation(images)
    with torch.no_grad():
        white = model.backbone.whiten(normalised(model, images).float())[:, :12].permute(0, 2, 3, 1).reshape(-1, 12)
    moments = (white.T @ white / len(white)).double()
    torch.testing.assert_close(moments, moments.diag().diag(), atol=1e-3, rtol=0)
    assert moments.diag()[0] == pytest.approx(1, abs=0.01)
    assert (moments.diag() <= 1.001).all()


def test_grey_and_constant_images_are_no_trouble():
    layer = Whiten(1)
    layer.fit(np.full((3, 4, 4, 1), 7, np.uint8), torch.tensor([7 / 255]), torch.ones(1))
    assert layer.weight.isfinite().all()


class PublishedGroup(nn.Module):
    def __init__(self, inputs, outputs, residual, momentum):
        super().__init__()

        def conv(i):
            return nn.Conv2d(i, outputs, 3, padding="same", bias=False)

        def norm():
            return nn.BatchNorm2d(outputs, eps=1e-12, momentum=momentum)

        self.conv1, self.norm1, self.conv2, self.norm2 = conv(inputs), norm(), conv(outputs), norm()
        if residual:
            self.conv3, self.norm3 = conv(outputs), norm()
        self.residual = residual

    def forward(self, x):
        gelu = nn.functional.gelu
        x = gelu(self.norm1(nn.functional.max_pool2d(self.conv1(x), 2)))
        y = self.norm2(self.conv2(x))
        if self.residual:
            y = self.norm3(self.conv3(gelu(y))) + x
        return gelu(y)


@pytest.mark.parametrize(
    ("name", "widths", "residual", "momentum"),
    [
        ("airbench94", (64, 256, 256), False, 0.4),
        ("airbench95", (128, 384, 384), False, 0.4),
        ("airbench96", (128, 384, 512), True, 0.1),
    ],
)
def test_function_of_the_script(registry, entry, name, widths, residual, momentum):
    model = make(registry, entry, name, 32)
    groups, inputs = [], 24
    for width in widths:
        groups.append(PublishedGroup(inputs, width, residual, momentum))
        inputs = width
    reference = nn.Sequential(nn.Conv2d(3, 24, 2), nn.GELU(), *groups, nn.MaxPool2d(3), nn.Flatten())
    own = {"0.weight": "whiten.weight", "0.bias": "whiten.bias"}
    state = model.backbone.state_dict()
    reference.load_state_dict(
        {name: state[own.get(name) or f"rest.{int(name[0]) - 1}{name[1:]}"] for name in reference.state_dict()}
    )
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    # In training mode, which also moves the running statistics by the momentum.
    with torch.no_grad():
        torch.testing.assert_close(model(x), reference(x) @ model.head.weight.T / 9, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(model.eval()(x), reference.eval()(x) @ model.head.weight.T / 9, rtol=1e-4, atol=1e-5)


def test_what_is_not_trained_is_no_parameter(registry, entry, images):
    model = make(registry, entry, "airbench94")
    names = dict(model.named_parameters())
    assert "backbone.whiten.weight" not in names
    assert "backbone.whiten.bias" in names
    assert "head.bias" not in names
    assert not [name for name in names if "norm" in name and name.endswith("weight")]
    assert not model.head.bias.any()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, weight_decay=0.1)
    before = copy.deepcopy(dict(model.named_buffers()))
    model(torch.rand(4, 3, 12, 12)).square().sum().backward()
    optimizer.step()
    for name in ("backbone.whiten.weight", "backbone.rest.1.norm1.weight", "head.bias"):
        assert torch.equal(dict(model.named_buffers())[name], before[name])


def test_convolutions_start_by_handing_their_inputs_on(registry, entry):
    model = make(registry, entry, "airbench94")
    group = model.backbone.rest[1]
    x = torch.rand(2, 24, 6, 6)
    torch.testing.assert_close(group.conv1(x)[:, :24], x)
    assert group.conv1.weight[24:].abs().max() <= (24 * 9) ** -0.5
    y = torch.rand(2, 64, 6, 6)
    torch.testing.assert_close(group.conv2(y), y)


def test_the_script_with_muon_starts_from_another_head(registry, entry):
    paper, muon = (make(registry, entry, "airbench94", script=script) for script in ("paper", "muon"))
    assert muon.head.weight.std().item() == pytest.approx(1, rel=1e-5)
    assert muon.head.weight.abs().max() < 2  # still uniform, now in +-sqrt(3)
    assert paper.head.weight.abs().max() <= 256**-0.5
    shift = muon.backbone.whiten.bias
    assert 0 < shift.abs().max() <= 12**-0.5
    assert not paper.backbone.whiten.bias.any()
    # Logits: the sum of features times weights over the 256 features there, over 9 in the paper.
    x = torch.rand(2, 3, 12, 12)
    muon.load_state_dict(paper.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(muon(x) * 256, paper(x) * 9)


def test_constants_of_both_scripts(registry, entry):
    for name, momentum in (("airbench94", 0.4), ("airbench95", 0.4), ("airbench96", 0.1)):
        norms = [m for m in make(registry, entry, name).modules() if isinstance(m, nn.BatchNorm2d)]
        assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-12, momentum)}
        assert len(norms) == (9 if name == "airbench96" else 6)


def test_film_merges_into_scales_that_are_buffers(registry, entry):
    from assay.study.registry import bind

    model = make(registry, entry, "airbench94").eval()
    finish = bind(registry, "trainable", entry("trainable", "film"))(model, torch.Generator())
    norm = model.backbone.rest[1].norm1
    with torch.no_grad():
        norm.parametrizations.weight[0].scale.fill_(2.0)
    x = torch.rand(2, 3, 12, 12)
    before = model(x)
    finish()
    assert (norm.weight == 2).all()
    assert torch.equal(model(x), before)
    assert "backbone.rest.1.norm1.weight" not in dict(model.named_parameters())
    assert set(model.state_dict()) == set(make(registry, entry, "airbench94").state_dict())
