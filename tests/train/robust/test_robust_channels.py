"""Dropout and nested dropout on the features."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from assay.augment.draw import Draw
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.train.robust.channels import best_channels, chances, first_channels
from assay.train.robust.dropout import Dropout
from assay.train.robust.nested_co_teaching import NestedCoTeaching
from assay.train.robust.nested_dropout import NestedDropout
from scipy import stats
from torch import nn

TWELVE = list(range(12))


def cross_entropy(logits, targets):
    return F.cross_entropy(logits, targets, reduction="none")


def first(features, k):
    return torch.cat([features[:, :k], torch.zeros_like(features[:, k:])], dim=1)


# -- masks


def test_the_number_of_channels_is_normal_and_cut_off():
    # exp(-(k / s)^2) is a normal density with standard deviation s / sqrt(2).
    density = stats.norm.pdf(np.arange(1, 41), scale=10 / np.sqrt(2))
    np.testing.assert_allclose(chances(40, 10.0), density / density.sum(), rtol=1e-9)


def test_masks_are_ones_then_zeros_with_those_chances():
    chance = chances(8, 4.0)
    masks = first_channels(Draw(0, 0, torch.arange(40_000)), chance)
    assert set(masks.unique().tolist()) == {0.0, 1.0}
    assert (masks.diff(dim=1) <= 0).all()
    kept = masks.sum(1).long()
    np.testing.assert_allclose(kept.bincount(minlength=9)[1:] / 40_000, chance, atol=0.01)


def test_dropout_keeps_the_mean_and_leaves_out_its_share(training, batch):
    made = Dropout(rate=0.3)
    made.prepare(training)
    network = training.networks[0]
    seen = []
    network.head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    some = batch(TWELVE)
    some.x = some.x + 1  # so that no feature is 0 by itself
    loss, logits = made.loss(some)
    ratio = seen[0] / training.features(network, some.x)
    np.testing.assert_allclose(sorted(set(ratio.round(decimals=4).unique().tolist())), [0.0, 1 / 0.7], atol=1e-3)
    assert (ratio == 0).float().mean().item() == pytest.approx(0.3, abs=0.05)
    assert len({tuple(row.tolist()) for row in ratio == 0}) == 12
    torch.testing.assert_close(loss, cross_entropy(logits, some.targets).mean())


def test_without_anything_left_out_both_are_plain(training, batch):
    some = batch(TWELVE)
    plain = cross_entropy(training.networks[0](some.x), some.targets).mean()
    wide = NestedDropout(spread=1e9, keep=64)
    wide.prepare(training)
    wide.chance = F.one_hot(torch.tensor(63), 64).double()
    for made in (Dropout(rate=0.0), wide):
        made.prepare(training) if made is not wide else None
        torch.testing.assert_close(made.loss(some)[0], plain)


def test_nested_dropout_gives_no_gradient_to_later_channels(training, batch):
    made = NestedDropout(spread=10.0, keep=None)
    made.prepare(training)
    made.chance = F.one_hot(torch.tensor(4), 64).double()
    loss, _ = made.loss(batch(TWELVE))
    loss.backward()
    gradient = training.networks[0].head.weight.grad
    assert gradient[:, :5].any()
    assert not gradient[:, 5:].any()


# -- which channels are kept


def test_channels_are_chosen_by_accuracy_on_val_and_among_equals_the_fewest():
    # Channel 1 separates the classes, channel 2 adds nothing, channel 3 spoils it.
    network = Classifier(nn.Flatten(), 4, 1, 2).eval()
    with torch.no_grad():
        network.head.weight.copy_(torch.tensor([[0.0, -1.0, 0.0, 9.0], [0.0, 1.0, 0.0, -9.0]]))
        network.head.bias.zero_()
    pixels = torch.tensor([[9, 0, 5, 9], [9, 255, 5, 255]] * 3, dtype=torch.uint8).reshape(6, 1, 2, 2)
    network.mean.fill_(0.5)
    labels = torch.tensor([0, 1] * 3)
    assert best_channels([network], (pixels, labels)) == (2, 1.0)
    with torch.no_grad():
        accuracy = (network(pixels / 255).argmax(1) == labels).float().mean()
    assert accuracy == 0.0


def test_two_networks_choose_by_their_mean_logits(training):
    k, accuracy = best_channels(training.networks, training.val)
    pixels, labels = training.val
    x = pixels / 255
    by_hand = []
    for number in range(1, 65):
        logits = sum(network.head(first(network.features(x), number)) for network in training.networks) / 2
        by_hand.append((logits.argmax(1) == labels).float().mean().item())
    assert accuracy == pytest.approx(max(by_hand))
    assert k == 1 + by_hand.index(max(by_hand))


@pytest.mark.parametrize("keep", [None, 7])
def test_what_is_left_is_a_plain_model_of_the_first_channels(training, capsys, keep):
    made = NestedDropout(spread=10.0, keep=keep)
    made.prepare(training)
    network = training.networks[0]
    kept = keep or best_channels([network], training.val)[0]
    x = torch.rand(5, 1, 8, 8)
    expected = network.head(first(network.features(x), kept))
    made.finish()
    torch.testing.assert_close(network(x), expected)
    assert f"the first {kept} of 64 channels are kept" in capsys.readouterr().out


def test_a_number_of_channels_that_cannot_be_is_refused(training):
    with pytest.raises(MethodError, match="at most 64, the features of the model, found 65"):
        NestedDropout(spread=1.0, keep=65).prepare(training)
    training.val = None
    for made in (NestedDropout(spread=1.0, keep=None), NestedCoTeaching(rate=0.1, apart=0.5, spread=1.0, keep=None)):
        with pytest.raises(MethodError, match="there is no val split; set `keep`"):
            made.prepare(training)
    NestedDropout(spread=1.0, keep=3).prepare(training)


# -- nested dropout, then co-teaching


def test_apart_both_networks_train_with_nested_dropout(training, batch):
    made = NestedCoTeaching(rate=0.5, apart=0.5, spread=10.0, keep=9)
    made.prepare(training)
    made.epoch(1, 4)
    some, mask = batch(TWELVE), first_channels(batch(TWELVE).draw, chances(64, 10.0))
    outputs = [network.head(network.features(some.x) * mask) for network in training.networks]
    loss, logits = made.loss(some)
    torch.testing.assert_close(loss, sum(cross_entropy(each, some.targets).mean() for each in outputs))
    torch.testing.assert_close(logits, outputs[0])


def test_together_each_learns_from_what_the_other_finds_easy_with_the_channels_kept(training, batch):
    made = NestedCoTeaching(rate=0.5, apart=0.5, spread=10.0, keep=9)
    made.prepare(training)
    made.epoch(2, 4)
    some, mask = batch(TWELVE), first_channels(batch(TWELVE).draw, chances(64, 10.0))
    loss, logits = made.loss(some)
    features = [network.features(some.x) for network in training.networks]
    judged = [network.head(first(each, 9)) for network, each in zip(training.networks, features, strict=True)]
    easy = [cross_entropy(each, some.targets).argsort()[:6] for each in judged]
    assert set(easy[0].tolist()) != set(easy[1].tolist())
    masked = [network.head(each * mask) for network, each in zip(training.networks, features, strict=True)]
    losses = [cross_entropy(each, some.targets) for each in masked]
    torch.testing.assert_close(loss, losses[0][easy[1]].mean() + losses[1][easy[0]].mean())
    torch.testing.assert_close(logits, judged[0])
    assert training.networks[0].training


def test_batch_normalisation_is_still_once_they_teach_each_other(training):
    network = Classifier(nn.Sequential(nn.BatchNorm2d(1), nn.Flatten()), 64, 1, 3)
    training.networks = [network, network]
    made = NestedCoTeaching(rate=0.5, apart=0.5, spread=10.0, keep=9)
    made.prepare(training)
    made.epoch(1, 4)
    assert network.backbone[0].training
    made.epoch(2, 4)
    again = NestedCoTeaching(rate=0.5, apart=0.5, spread=10.0, keep=9)
    again.prepare(training)
    network.train().requires_grad_(True)
    again.restore(made.state())
    assert not network.backbone[0].training
    assert not network.backbone[0].weight.requires_grad
    assert network.head.weight.requires_grad
