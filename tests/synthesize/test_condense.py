"""Condensed sets against closed forms: distances by hand, known optima, and what flipping and contrast change."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.models.initialise import initialise
from assay.models.plain.convnet import convnet
from assay.streams import Streams
from assay.study.registry import bind, scan
from assay.synthesize.distribution_matching import between_means, mean_features
from assay.synthesize.gradient_matching import distance, gradients
from torch import nn

REGISTRY = scan()
STREAMS = Streams({"generator": 3})
BOTH = ("gradient-matching", "distribution-matching")
#: The pixels themselves as features, and all images of a class in each update.
LINEAR = {"depth": 0, "siamese": False, "lr": 0.05, "steps": 150, "batch": 1000}


class Kept:
    """Checkpoints in memory that stop the training once saved."""

    def __init__(self, due_at=None):
        self.saved, self.due_at, self.asked = None, due_at, 0

    def load(self):
        return self.saved

    def save(self, state):
        self.saved, self.due_at = state, None
        raise KeyboardInterrupt

    def due(self):
        self.asked += 1
        return self.due_at == self.asked


def made(name, **options):
    card = REGISTRY.card("generator", name)
    defaults = {key: option.default for key, option in card.options.items()}
    return bind(REGISTRY, "generator", {**defaults, "method": name, "per-class": 2, "width": 4, **options})()


def real(count=36, classes=3):
    """Images of 8 x 8 pixels of the middle of the range, each class brighter in another part, under noise."""
    rng = np.random.default_rng(1)
    labels = np.arange(count) % classes
    images = rng.normal(110, 12, (count, 8, 8, 1))
    for image, label in zip(images, labels, strict=True):
        image[:, 2 * label : 2 * label + 3] += 40
    return images.round().clip(0, 255).astype(np.uint8), labels


def learnt(name, checkpoints=None, **options):
    generator = made(name, **options)
    generator.fit(*real(), 3, STREAMS, lambda *_, **__: None, checkpoints or Kept())
    return generator


def started(name, **options):
    """The images before the first update, in 0..1."""
    checkpoints = Kept(due_at=1)
    with pytest.raises(KeyboardInterrupt):
        learnt(name, checkpoints, **{**options, "lr": 1e-30})
    images = real()[0] / 255
    return checkpoints.saved["images"] * float(images.std()) + float(images.mean())


def class_means():
    images, labels = real()
    return torch.from_numpy(np.stack([images[labels == k].mean(0) / 255 for k in range(3)])).permute(0, 3, 1, 2).float()


def network(classes, depth=2, seed=0, width=4, size=8):
    net = convnet(1, classes, size, width=width, depth=depth)
    initialise(net, torch.Generator().manual_seed(seed))
    return net


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# -- distances ------------------------------------------------------------------------------------------------


def test_the_distance_is_one_minus_the_cosine_of_each_output_and_knows_no_vectors():
    found = [torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([5.0, -7.0])]
    wanted = [torch.tensor([[8.0, 6.0], [-2.0, 0.0]]), torch.tensor([1.0, 1.0])]
    assert float(distance(found, wanted)) == pytest.approx((1 - 48 / 50) + 2, abs=1e-5)
    # All weights of a kernel lead to its one output: [3, 4] and [8, 6] again, as 1 x 2 pixels of one channel.
    kernels = [[[[[3.0, 4.0]]]], [[[[8.0, 6.0]]]]]
    assert float(distance(*([torch.tensor(kernel)] for kernel in kernels))) == pytest.approx(1 - 48 / 50, abs=1e-5)


def test_gradients_are_those_of_the_mean_over_classes():
    net = network(3, depth=0)
    parts = {2: normal(5, 1, 8, 8), 0: normal(2, 1, 8, 8, seed=1)}
    expected = torch.zeros(3, 64)
    for label, x in parts.items():
        flat = x.flatten(1)
        off = (flat @ net.head.weight.T + net.head.bias).softmax(1)
        off[:, label] -= 1
        expected += off.T @ flat / len(x) / 2
    found = dict(zip([name for name, _ in net.named_parameters()], gradients(net, parts), strict=True))
    torch.testing.assert_close(found["head.weight"], expected)


def test_contrast_of_one_class_is_no_contrast_and_of_several_is_that_of_their_mean_gradient():
    generator, net = made("gradient-matching"), network(3)
    sets = [[normal(4, 1, 8, 8, seed=k + 10 * n) for k in range(3)] for n in range(2)]
    alone, together = (float(generator.loss(net, *sets, contrastive=on).detach()) for on in (False, True))
    each = [[gradients(net, {k: parts[k]}) for k in range(3)] for parts in sets]
    assert alone == pytest.approx(sum(float(distance(a, b)) for a, b in zip(*each, strict=True)), rel=1e-5)
    means = [[torch.stack(values).mean(0) for values in zip(*parts, strict=True)] for parts in each]
    assert together == pytest.approx(float(distance(*means)), rel=1e-4)
    assert abs(alone - together) > 1
    first = [parts[:1] for parts in sets]
    one, other = (generator.loss(net, *first, contrastive=on) for on in (True, False))
    assert torch.equal(one, other)


def test_means_are_what_gradients_of_a_head_of_zeros_come_to():
    """The squared distance of gradients in the head is that of means, and with contrast that of centred means."""
    net = network(4)
    nn.init.zeros_(net.head.weight)
    nn.init.zeros_(net.head.bias)
    sets = [[normal(6, 1, 8, 8, seed=k + 10 * n) for k in range(4)] for n in range(2)]
    means = [mean_features(net, parts).detach() for parts in sets]

    def apart(labels):
        rows = [gradients(net, {k: parts[k] for k in labels})[-2] for parts in sets]
        assert rows[0].shape == net.head.weight.shape
        return float((rows[0] - rows[1]).square().sum())

    plain, centred = (float(between_means(*means, contrastive=on)) for on in (False, True))
    assert sum(apart([k]) for k in range(4)) == pytest.approx(plain * 3 / 4, rel=1e-4)
    assert apart(range(4)) == pytest.approx(centred / 16, rel=1e-4)
    assert plain > 1.01 * centred


def test_both_warm_ups_come_before_contrast():
    generator = made("gradient-matching", steps=40, matches=4, warmup=0.5, **{"contrastive": True, "network-warmup": 3})
    on = [generator.contrasts(step) for step in range(24)]
    assert on == [False, False, False, True] * 5 + [True] * 4
    assert not any(made("gradient-matching", warmup=0.0).contrasts(step) for step in range(24))


# -- optima ---------------------------------------------------------------------------------------------------


def test_distributions_of_pixels_are_matched_by_the_mean_of_each_class():
    found = learnt("distribution-matching", **LINEAR).state()["images"]
    assert found.shape == (3, 2, 1, 8, 8)
    torch.testing.assert_close(found.mean(1), class_means(), atol=1e-4, rtol=0)
    # The two of a class still differ as they did at first: both went the same way.
    first = started("distribution-matching", **LINEAR)
    torch.testing.assert_close(found[:, 0] - found[:, 1], first[:, 0] - first[:, 1], atol=1e-4, rtol=0)
    assert (first.mean(1) - class_means()).abs().max() > 0.02


def test_with_mirror_images_it_is_the_set_and_its_mirror_image_that_have_the_mean():
    found = learnt("distribution-matching", flip=True, **LINEAR).state()["images"].mean(1)
    first, wanted = started("distribution-matching", flip=True, **LINEAR).mean(1), class_means()
    torch.testing.assert_close(found + found.flip(3), wanted + wanted.flip(3), atol=1e-4, rtol=0)
    # No gradient tells an image from its mirror image, so what is not alike on both sides stays as it was.
    torch.testing.assert_close(found - found.flip(3), first - first.flip(3), atol=1e-4, rtol=0)
    assert (found - wanted).abs().max() > 0.02


def test_with_contrast_it_is_what_sets_classes_apart_that_is_matched():
    found = learnt("distribution-matching", contrastive=True, **LINEAR).state()["images"].mean(1)
    first, wanted = started("distribution-matching", contrastive=True, **LINEAR).mean(1), class_means()
    torch.testing.assert_close(found - found.mean(0), wanted - wanted.mean(0), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.mean(0), first.mean(0), atol=1e-4, rtol=0)
    assert (found - wanted).abs().max() > 0.02


@pytest.mark.parametrize("name", BOTH)
def test_a_symmetric_image_stays_so_if_its_mirror_image_is_in_the_loss(name):
    net = network(2)
    half = normal(1, 1, 1, 8, 4)
    image = torch.cat([half, half.flip(4)], 4).requires_grad_()
    for flip in (True, False):
        generator = made(name, flip=flip)
        shown = list(generator.shown(image))
        assert [len(part) for part in shown] == [2 if flip else 1]
        loss = generator.loss(net, [normal(5, 1, 8, 8, seed=2)], shown, contrastive=False)
        (gradient,) = torch.autograd.grad(loss, image)
        skew = float((gradient - gradient.flip(4)).norm() / gradient.norm())
        assert (skew < 1e-4) == flip


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gradient-matching", {"steps": 24, "lr": 1.0, "matches": 2, "network-steps": 2}),
        ("gradient-matching", {"steps": 24, "lr": 1.0, "contrastive": True, "warmup": 0.0}),
        ("distribution-matching", {"steps": 40, "lr": 3.0, "siamese": False}),
    ],
)
def test_what_is_learnt_is_closer_on_networks_never_seen(name, options):
    options = {**options, "start": "noise", "width": 16, "depth": 2}
    generator = learnt(name, **options)
    images, labels = real()
    mean, std = float((images / 255).mean()), float((images / 255).std())
    parts = [torch.from_numpy(images[labels == k]).permute(0, 3, 1, 2) / 255 for k in range(3)]
    parts = [(part - mean) / std for part in parts]
    apart = []
    for sets in (generator.state()["images"], started(name, **options)):
        shown = [(own - mean) / std for own in sets]
        losses = [
            generator.loss(network(3, width=16, seed=100 + k), parts, shown, contrastive=generator.contrasts(0))
            for k in range(3)
        ]
        apart.append(float(torch.stack(losses).mean().detach()))
    assert apart[0] < 0.4 * apart[1]


# -- as a generator -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gradient-matching", {"matches": 3, "network-steps": 2, "siamese": True, "contrastive": True, "flip": True}),
        ("distribution-matching", {}),
    ],
)
@pytest.mark.parametrize("due_at", [3, 5])
def test_a_run_that_was_cut_off_ends_with_the_same_images(name, options, due_at):
    whole = learnt(name, steps=7, **options).state()["images"]
    checkpoints = Kept(due_at=due_at)
    with pytest.raises(KeyboardInterrupt):
        learnt(name, checkpoints, steps=7, **options)
    resumed = learnt(name, checkpoints, steps=7, **options).state()["images"]
    assert torch.equal(whole, resumed)
    other = made(name, steps=7, **options)
    other.fit(*real(), 3, Streams({"generator": 4}), lambda *_, **__: None, Kept())
    assert not torch.equal(whole, other.state()["images"])


@pytest.mark.parametrize("name", BOTH)
def test_a_set_is_stored_exactly_and_drawn_in_8_bits(name, capsys):
    generator = learnt(name, steps=10)
    told = re.search(r"the loss is (\S+), and (\S+) after", capsys.readouterr().out)
    assert float(told[2]) == pytest.approx(float(told[1]), rel=0.05)
    other = made(name)
    other.restore(generator.state(), (8, 8, 1), 3)
    asked = np.array([2, 0, 1, 1, 2, 0])
    drawn = other.sample(asked, STREAMS, real())
    assert (drawn.dtype, drawn.shape) == (np.uint8, (6, 8, 8, 1))
    learnt_images = generator.state()["images"]
    for label in range(3):
        kept = learnt_images[label].permute(0, 2, 3, 1).numpy()
        assert np.abs(drawn[asked == label] / 255 - kept).max() <= 0.5 / 255 + 1e-6


def test_pixels_never_leave_their_range():
    found = learnt("distribution-matching", steps=5, lr=1000.0).state()["images"]
    assert float(found.min()) == 0.0
    assert float(found.max()) == 1.0
    assert len(found.unique()) > 10


def test_messages():
    generator = learnt("distribution-matching", steps=1)
    with pytest.raises(MethodError, match=r"3 are asked for; expected `synthetic: \{per-class: 2\}`"):
        generator.sample(np.array([0, 0, 0]), STREAMS, real())
    with pytest.raises(MethodError, match=r"expected \[3, 2, 1, 9, 9\]"):
        generator.restore(generator.state(), (9, 9, 1), 3)
    with pytest.raises(MethodError, match="class number 0 has 12 images, fewer than the 13"):
        learnt("gradient-matching", **{"per-class": 13})
    with pytest.raises(MethodError, match="call fit or restore"):
        made("gradient-matching").state()
    with pytest.raises(MethodError, match="at least 16 x 16"):
        learnt("gradient-matching", depth=4)
