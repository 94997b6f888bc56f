"""The attention of a network whose last feature map is the image itself is known."""

from __future__ import annotations

import pytest
import torch
from assay.augment.attentive_cutmix import AttentiveCutmix, last_map
from assay.augment.draw import Draw
from assay.errors import MethodError
from assay.models.classifier import Classifier, build
from torch import nn

N = 120
IDS = torch.arange(N)
PAPER = {"patches": 6, "grid": 7, "network": "trained", "probability": 1.0}


def seeing() -> Classifier:
    """A classifier whose last map is the image, before it is averaged away."""
    convolution = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(convolution.weight)
    return Classifier(nn.Sequential(convolution, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 1, 1, 2)


def bright(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images `[N,1,side,side]` with six bright ones of 7 x 7 patches, of the value i in image i, and which they are."""
    cells = torch.stack([torch.randperm(49, generator=torch.Generator().manual_seed(i))[:6] for i in range(N)])
    chosen = torch.zeros(N, 49, dtype=torch.bool).scatter(1, cells, True).view(N, 7, 7)
    place = torch.arange(side) * 7 // side
    chosen = chosen[:, place[:, None], place]
    return torch.where(chosen, 2.0 + IDS[:, None, None] / N, IDS[:, None, None] / N)[:, None], chosen


def pasted(images, epoch=0, model=None, **options):
    augment = AttentiveCutmix(**PAPER | options)
    augment.watch(model or seeing())
    return augment(images, torch.eye(len(images)), Draw(3, epoch, IDS[: len(images)]))


@pytest.mark.parametrize(("side", "share"), [(14, 6 / 49), (32, None)])
def test_the_six_most_attended_patches_of_a_partner_come_in(side, share):
    images, chosen = bright(side)
    made, targets = pasted(images)
    others = (targets - targets.diagonal().diag()).argmax(1)
    alone = targets.diagonal() == 1  # an image that is its own partner stays
    partner = others.where(~alone, IDS)
    assert len(partner.unique()) == N, "partners are a permutation"
    assert alone.sum() < 10
    assert torch.equal(made[:, 0], images[partner, 0].where(chosen[partner], images[:, 0]))
    covered = chosen.float().mean((1, 2))
    torch.testing.assert_close(targets[IDS, partner][~alone], covered[partner][~alone])
    torch.testing.assert_close(targets.sum(1), torch.ones(N))
    if share:
        torch.testing.assert_close(covered, torch.full((N,), share))


def test_the_share_asked_for_is_altered_and_each_epoch_draws_anew():
    images, _ = bright(14)
    whole = pasted(images, probability=0.3)[0]
    changed = (whole != images).flatten(1).any(1)
    assert 0.15 < changed.float().mean() < 0.45
    assert not torch.equal(pasted(images, epoch=1, probability=0.3)[0], whole)


def test_attention_looks_at_size_not_at_sign():
    images, chosen = bright(14)
    augment = AttentiveCutmix(**PAPER)
    augment.watch(seeing())
    assert torch.equal(augment.attended(images), chosen)
    assert torch.equal(augment.attended(-images), chosen)


def test_looking_changes_nothing_and_does_not_depend_on_the_batch(registry, entry):
    model = build(registry, entry("model", "resnet8"), 1, 3, 16, torch.Generator().manual_seed(0)).train()
    model.backbone.eval()
    modes = [part.training for part in model.modules()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images = torch.rand(20, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    augment = AttentiveCutmix(**PAPER)
    augment.watch(model)
    whole = augment.attended(images)
    assert torch.equal(augment.attended(images[5:8]), whole[5:8])
    assert [part.training for part in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(part._forward_hooks for part in model.modules())


def test_the_network_that_starts_is_kept_and_the_one_trained_is_followed():
    images, chosen = bright(14)
    model = seeing()
    ways = {network: AttentiveCutmix(**PAPER | {"network": network}) for network in ("trained", "start")}
    for augment in ways.values():
        augment.watch(model)
    nn.init.zeros_(model.backbone[0].weight)
    assert torch.equal(ways["start"].attended(images), chosen)
    first = torch.zeros(49, dtype=torch.bool)
    first[:6] = True  # nothing is attended to, so order decides
    assert torch.equal(
        ways["trained"].attended(images)[0], first.view(7, 7).repeat_interleave(2, 0).repeat_interleave(2, 1)
    )


MAPS = {"resnet8": 8, "resnet18": 4, "preact-resnet20": 8, "densenet-bc-100-12": 8, "mobilenetv2": 4, "nin": 8,
        "convnext-tiny": 2, "airbench94": 3, "tiny-cnn": 8}  # fmt: skip


@pytest.mark.parametrize("name", MAPS)
def test_the_last_map_of_convolutional_models(registry, entry, name):
    model = build(registry, entry("model", name), 3, 10, 32, torch.Generator().manual_seed(0))
    made = last_map(model, torch.rand(2, 3, 32, 32))
    assert made.shape == (2, made.shape[1], MAPS[name], MAPS[name])


@pytest.mark.parametrize("name", ["linear", "mlp", "vit-tiny", "mlp-mixer", "cct"])
def test_a_model_without_maps_is_refused(registry, entry, name):
    model = build(registry, entry("model", name), 3, 10, 32, torch.Generator().manual_seed(0))
    with pytest.raises(MethodError, match="looks at feature maps, and this model ends in none"):
        last_map(model, torch.rand(2, 3, 32, 32))


def test_more_patches_than_there_are_is_refused():
    with pytest.raises(MethodError, match="patches: 10, and a grid of 3 has 9"):
        AttentiveCutmix(**PAPER | {"patches": 10, "grid": 3})
