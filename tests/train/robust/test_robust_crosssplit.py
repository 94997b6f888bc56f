"""Two networks on disjoint halves that mend each other's labels."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from assay.models.classifier import Classifier
from assay.train.robust.crosssplit import CrossSplit, contrastive
from assay.train.robust.soft_labels import bounds, corrected, divergence, sharpened
from scipy.spatial.distance import jensenshannon
from torch import nn

P = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.25, 0.5, 0.25]])
LABELS = torch.tensor([0, 0, 2, 0])
HOT = F.one_hot(LABELS, 3).float()
DISTANCE = jensenshannon(P.numpy(), HOT.numpy(), axis=1) ** 2


def softmax(z):
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)


# -- soft labels


def test_the_divergence_is_scipys():
    np.testing.assert_allclose(divergence(P, HOT), DISTANCE, rtol=1e-5)
    np.testing.assert_allclose(divergence(HOT[:1], HOT[2:3]), np.log(2), rtol=1e-5)


def test_bounds_are_those_of_each_label():
    expected = [[DISTANCE[[0, 1, 3]].min(), 0, DISTANCE[2]], [DISTANCE[[0, 1, 3]].max(), np.log(2), DISTANCE[2]]]
    np.testing.assert_allclose(bounds(P, LABELS), expected, rtol=1e-5)


def test_the_less_a_peer_agrees_the_more_it_counts():
    bound = bounds(P, LABELS)
    made = corrected(P[:2], HOT[:2], bound, 1.0)
    torch.testing.assert_close(made, torch.stack([HOT[0], P[1]]))  # the most and the least agreement with label 0
    made = corrected(P[:2], HOT[:2], bound, 0.6)
    torch.testing.assert_close(made[0], 0.2 * P[0] + 0.8 * HOT[0])
    torch.testing.assert_close(made[1], 0.8 * P[1] + 0.2 * HOT[1])
    torch.testing.assert_close(corrected(P, HOT, bound, 0.0), (P + HOT) / 2)
    low, high = DISTANCE[0], DISTANCE[1]
    share = (DISTANCE[3] - low) / (high - low)
    torch.testing.assert_close(
        corrected(P[3:], HOT[3:], bound, 1.0), share * P[3:] + (1 - share) * HOT[3:], rtol=1e-4, atol=1e-6
    )


def test_sharpening():
    torch.testing.assert_close(sharpened(P, 1.0), P)
    torch.testing.assert_close(sharpened(P[:1], 0.5), torch.tensor([[0.49, 0.04, 0.01]]) / 0.54)


def test_the_contrast_by_its_formula():
    z = np.random.default_rng(0).standard_normal((6, 5))
    made = contrastive(torch.from_numpy(z), temperature=0.5)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    similar = np.exp(z @ z.T / 0.5)
    expected = [-np.log(similar[i, (i + 3) % 6] / (similar[i].sum() - similar[i, i])) for i in range(6)]
    assert made.item() == pytest.approx(np.mean(expected))


# -- the networks


def make(training, **options):
    made = CrossSplit(
        **{"warmup": 2, "relax": 10, "temperature": 0.5, "alpha": 4.0, "unlabelled": 30.0, "contrast": 0.0, "weak": 1}
        | options
    )
    made.prepare(training)
    return made


def views(x):
    return {(1, 1): x, (2, 1): 0.9 * x, (3, None): 0.7 * x}


def test_halves_are_disjoint_and_alike_in_size(training):
    made = make(training)
    assert made.half.bincount().tolist() == [24, 24]
    assert not torch.equal(made.half, make(training).half)


def test_in_the_warm_up_each_network_learns_from_the_labels_of_its_half(training, batch):
    made = make(training)
    made.epoch(1, 10)
    x = batch(range(12)).x
    some = batch(range(12), views(x))
    half = made.half[:12]
    losses = [F.cross_entropy(network(x), some.targets, reduction="none") for network in training.networks]
    expected = losses[0][half == 0].mean() + losses[1][half == 1].mean()
    torch.testing.assert_close(made.loss(some)[0], expected)


@pytest.mark.parametrize(("epoch", "gamma", "ramp"), [(2, 0.6, 0.0), (10, 0.6, 0.5), (25, 0.8, 1.0), (40, 1.0, 1.0)])
def test_the_loss_by_its_formula(training, batch, epoch, gamma, ramp):
    made = make(training)
    made.epoch(epoch, 50)
    x = batch(range(12)).x
    some = batch(range(12), views(x))
    draw = batch(range(12)).draw
    loss, _ = made.loss(some)
    half, labels = made.half[:12].numpy(), some.targets.numpy()
    assert 0 < half.sum() < 12

    def logits(network, images):
        weight = network.head.weight.detach().double().numpy()
        return images.flatten(1).double().numpy() @ weight.T + network.head.bias.detach().double().numpy()

    def judge(network):
        return (softmax(logits(network, x)) + softmax(logits(network, 0.9 * x))) / 2

    whole = training.images.pixels / 255
    expected = 0.0
    for place in (0, 1):
        own, peer = training.networks[place], training.networks[1 - place]
        every = F.one_hot(training.images.labels, 3).double().numpy()
        far = jensenshannon(softmax(logits(peer, whole)), every, axis=1) ** 2
        known = training.images.labels.numpy()
        low, high = (np.array([rule(far[known == label]) for label in range(3)]) for rule in (np.min, np.max))
        here = labels.argmax(1)
        scaled = (jensenshannon(judge(peer), labels, axis=1) ** 2 - low[here]) / (high - low)[here]
        share = ((scaled.clip(0, 1) - 0.5) * gamma + 0.5)[:, None]
        target = np.where((half == place)[:, None], share * judge(peer) + (1 - share) * labels, judge(own)) ** 2
        target = np.tile(target / target.sum(1, keepdims=True), (2, 1))
        weight = np.concatenate([draw.beta(4.0, 4.0).double().numpy() for _ in range(2)])
        weight = np.maximum(weight, 1 - weight)
        partner = draw.uniform(2).T.flatten().argsort(stable=True).numpy()
        strong = torch.cat([x, 0.7 * x])
        mix = torch.from_numpy(weight)[:, :, None, None]
        z = logits(own, mix * strong + (1 - mix) * strong[partner])
        target = weight * target + (1 - weight) * target[partner]
        p, mine = softmax(z), np.tile(half == place, 2)
        expected += -(target * np.log(p)).sum(1)[mine].mean()
        expected += ramp * 30 * ((p - target)[~mine] ** 2).mean()
        expected += np.sum(np.log((1 / 3) / p.mean(0)) / 3)
    assert loss.item() == pytest.approx(expected, rel=1e-3)


def test_a_network_never_sees_labels_of_the_other_half(training, batch):
    made = make(training, contrast=0.1)
    for epoch in (0, 5):
        made.epoch(epoch, 50)

        def gradient(labels, made=made):
            some = batch(range(12), views(batch(range(12)).x))
            some.targets = F.one_hot(labels, 3).float()
            return torch.autograd.grad(made.loss(some)[0], training.networks[0].head.weight)[0]

        labels = training.images.labels[:12]
        others = torch.where(made.half[:12] == 1, (labels + 1) % 3, labels)
        own = torch.where(made.half[:12] == 0, (labels + 1) % 3, labels)
        torch.testing.assert_close(gradient(labels), gradient(others))
        assert not torch.allclose(gradient(labels), gradient(own))


def test_the_contrast_trains_the_backbone_on_the_other_half_and_leaves_nothing_behind(training, batch):
    training.networks = [Classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 8)), 8, 1, 3) for _ in range(2)]
    names = set(training.networks[0].state_dict())
    losses = []
    for contrast in (0.0, 0.5):
        training.generator.manual_seed(1)
        made = make(training, contrast=contrast)
        made.epoch(5, 50)
        some = batch(range(12), views(batch(range(12)).x))
        losses.append(made.loss(some)[0])
        features = [
            network.projector(network.features(torch.cat([some.x, 0.7 * some.x])[(made.half[:12] != place).repeat(2)]))
            for place, network in enumerate(training.networks)
        ]
        made.finish()
    expected = 0.5 * sum(contrastive(each) for each in features)
    torch.testing.assert_close(losses[1] - losses[0], expected, rtol=1e-3, atol=1e-4)
    assert set(training.networks[0].state_dict()) == names


def test_a_batch_of_one_half_alone_is_finite(training, batch):
    made = make(training, contrast=0.1)
    made.epoch(5, 50)
    for place in (0, 1):
        indices = (made.half == place).nonzero()[:4, 0]
        x = batch(indices).x
        loss, _ = made.loss(batch(indices, views(x)))
        loss.backward()
        assert loss.isfinite()
