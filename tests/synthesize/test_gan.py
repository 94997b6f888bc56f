"""The GAN: its losses and augmentations against closed forms, and what it learns, resumes and repeats."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import bind, scan
from assay.synthesize import adaptive as adaptive_module
from assay.synthesize.adaptive import EVERY, MOST, Adaptive, augmented, colours, moves
from assay.synthesize.gan import steepness
from assay.synthesize.rivals import Discriminator, Generator
from generating import Kept
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

REGISTRY = scan()
DEFAULTS = {key: option.default for key, option in REGISTRY.card("generator", "gan").options.items()}
STREAMS = Streams({"generator": 5})


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


# -- augmentation -----------------------------------------------------------------------------------------------------


def test_the_probability_rises_where_real_images_are_called_real_too_often_and_falls_else():
    adaptive = Adaptive(target=0.6, images=1000)
    heard = torch.tensor([1.0, 2.0, 0.1, 3.0, -0.5])  # r = (4 - 1) / 5 = 0.6, and 1 in the batch below
    for _ in range(EVERY):
        adaptive.watch(heard.abs())
    assert adaptive.p == pytest.approx(EVERY * 5 / 1000)
    for _ in range(EVERY):
        adaptive.watch(-heard)
    assert adaptive.p == 0
    for _ in range(EVERY - 1):
        adaptive.watch(heard.abs())
    assert adaptive.p == 0, "it moves with every fourth batch"
    adaptive.watch(-heard.abs())  # r = (1 + 1 + 1 - 1) / 4 = 0.5
    assert adaptive.p == 0
    for _ in range(1000):
        adaptive.watch(heard.abs())
    assert adaptive.p == MOST


def test_without_probability_images_stay_as_they_are():
    x = torch.rand(3, 1, 8, 8, generator=draws())
    assert augmented(x, 0.0, draws()) is x


@pytest.mark.parametrize(
    ("plane", "expected"),
    [
        ([[-1, 0, 0], [0, 1, 0]], lambda x: x.flip(3)),
        ([[0, -1, 0], [1, 0, 0]], lambda x: x.rot90(1, (2, 3))),
        # A result looks two pixels, of eight, to the right: the image moves left, and its mirror image comes in.
        ([[1, 0, 0.5], [0, 1, 0]], lambda x: torch.cat([x[..., 2:], x[..., -2:].flip(3)], 3)),
    ],
)
def test_mirrors_quarter_turns_and_whole_shifts_move_pixels_unblended(monkeypatch, plane, expected):
    plane = torch.tensor([*plane, [0, 0, 1]], dtype=torch.float32).expand(2, 3, 3)
    monkeypatch.setattr(adaptive_module, "moves", lambda *_: plane)
    monkeypatch.setattr(adaptive_module, "colours", lambda *_: (torch.eye(3).expand(2, 3, 3), torch.zeros(2, 3)))
    x = torch.rand(2, 3, 8, 8, generator=draws())
    torch.testing.assert_close(augmented(x, 0.5, draws()), expected(x), rtol=0, atol=1e-5)


def test_each_move_comes_with_its_probability():
    p, count = 0.4, 20_000
    plane = moves(count, (8, 8), p, draws())
    assert float((torch.linalg.det(plane) < 0).float().mean()) == pytest.approx(p / 2, abs=0.01)  # half mirror nothing
    # Six alterations with p, each rotation with 1 - sqrt(1 - p); half of the mirrors, a quarter of the turns, and the
    # shifts by no pixel in both directions (2 of 16 parts each: rounding to 0 among -1..1) leave the image as it is.
    still = (plane - torch.eye(3)).abs().amax((1, 2)) < 1e-6
    expected = (1 - p / 2) * (1 - p * 3 / 4) * (1 - p * (1 - 0.5**2)) * (1 - p) ** 3 * (1 - p)
    assert float(still.float().mean()) == pytest.approx(expected, abs=0.01)


def test_colours_turn_about_the_grey_axis():
    mixed, added = colours(500, 3, 1.0, draws())
    grey = torch.ones(3)
    # Grey stays grey: a multiple of (1, 1, 1), and what is added is grey too.
    assert torch.allclose(mixed @ grey, (mixed @ grey)[:, :1].expand(-1, 3), atol=1e-4)
    assert torch.allclose(added, added[:, :1].expand(-1, 3), atol=1e-4)
    assert ((mixed @ grey)[:, 0] < 0).float().mean() == pytest.approx(0.5, abs=0.07)  # bright and dark flipped
    assert torch.linalg.det(mixed).sign().mean() == pytest.approx(0, abs=0.15)
    single, _ = colours(4000, 1, 1.0, draws())
    assert float(single.abs().log2().std()) == pytest.approx(0.5, abs=0.03)  # contrast 2^N(0, 0.5)


def test_what_is_seen_can_be_followed_back_to_the_images():
    x = torch.rand(4, 3, 8, 8, generator=draws()).requires_grad_()
    augmented(x, 0.8, draws(1)).square().sum().backward()
    assert (x.grad.flatten(1).abs().sum(1) > 0).all()


# -- networks and losses ----------------------------------------------------------------------------------------------


def test_the_penalty_is_the_squared_gradient_and_can_be_differentiated():
    slope = torch.tensor([3.0, 4.0], requires_grad=True)
    x = torch.rand(5, 1, 1, 2, generator=draws())
    found = steepness(lambda x, _: (x.flatten(1) * slope).sum(1), x, torch.zeros(5, dtype=torch.int64))
    assert float(found.detach()) == pytest.approx(25)
    found.backward()
    assert slope.grad.tolist() == pytest.approx([6, 8])


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (7, 7, 3), (8, 12, 1)])
def test_the_networks_take_any_small_image(shape):
    net, rival = Generator(shape, 3, 8, 16), Discriminator(shape, 3, 8)
    for each in (net, rival):
        each.reset(draws())
    y = torch.tensor([0, 2])
    made = net(torch.randn(2, 16, generator=draws()), y)
    assert made.shape == (2, shape[2], *shape[:2])
    assert made.abs().max() <= 1
    assert rival(made, y).shape == (2,)


def test_the_discriminator_knows_the_class_and_how_much_a_batch_varies():
    rival = Discriminator((8, 8, 1), 3, 8)
    rival.reset(draws())
    x = torch.rand(4, 1, 8, 8, generator=draws())
    first, second = (rival(x, torch.full((4,), label)) for label in (0, 1))
    assert not torch.allclose(first, second)
    alone = rival(x[:1].expand(4, -1, -1, -1), torch.zeros(4, dtype=torch.int64))
    assert not torch.allclose(alone[0], first[0]), "four copies are no batch like any other"


# -- as a generator ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    found = load_digits()
    return (found.images / 16 * 255).round().astype(np.uint8)[..., None], found.target.astype(np.int64)


def trained(data, checkpoints=None, log=lambda *_, **__: None, **options):
    generator = bind(REGISTRY, "generator", {**DEFAULTS, "method": "gan", "width": 8, "batch": 16, **options})()
    generator.fit(*data, 10, STREAMS, log, checkpoints or Kept())
    return generator


def test_digits_are_learnt_from_their_labels_and_differ_within_a_class(digits):
    images, labels = digits
    judge = LogisticRegression(max_iter=200).fit(images.reshape(-1, 64) / 255, labels)
    asked = np.repeat(np.arange(10), 20)
    made = trained(digits, steps=200).sample(asked, STREAMS, digits)
    assert (made.dtype, made.shape) == (np.uint8, (200, 8, 8, 1))
    right = judge.predict(made.reshape(-1, 64) / 255) == asked
    assert right.mean() > 0.4  # by chance 0.1
    # Spread within a class, over that of the real digits: a generator with one image a class has none.
    spreads = [made[asked == c].std(0).mean() / images[labels == c].std(0).mean() for c in range(10)]
    assert min(spreads) > 0.3


@pytest.mark.parametrize("stop", [1, 6, 10])
def test_a_training_that_was_cut_off_ends_with_the_same_weights(digits, stop):
    few = digits[0][:30], digits[1][:30]
    options = {"steps": 18, "images": 100, "target": 0.0}  # so that the probability moves within these steps
    curves = [[], []]
    whole = trained(few, log=lambda _, **told: curves[0].append(told), **options).state()
    checkpoints = Kept(due_at=stop)
    with pytest.raises(KeyboardInterrupt):
        trained(few, checkpoints, **options)
    resumed = trained(few, checkpoints, log=lambda _, **told: curves[1].append(told), **options).state()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert curves[0] == curves[1]
    assert curves[0][-1]["augmentation"] > 0


def test_augmentation_reaches_both_networks(digits, monkeypatch):
    calls = []
    monkeypatch.setattr("assay.synthesize.gan.augmented", lambda x, *_: calls.append(x.requires_grad) or x)
    trained(digits, steps=2)
    assert calls == [False, False, True] * 2  # real and generated images for one network, then through to the other


def test_none_is_the_plain_gan(digits):
    seen = []
    trained(digits, steps=12, images=10, target=-0.9, augmentation="none", log=lambda _, **told: seen.append(told))
    assert seen[-1]["augmentation"] == 0


def test_weights_move_and_samples_follow_the_stream_alone(digits):
    before = torch.get_rng_state()
    generator = trained(digits, steps=3)
    other = bind(REGISTRY, "generator", {**DEFAULTS, "method": "gan", "width": 8})()
    other.restore(generator.state(), (8, 8, 1), 10)
    asked = np.array([1, 0, 7])
    made = generator.sample(asked, STREAMS, digits)
    assert (other.sample(asked, STREAMS, digits) == made).all()
    assert (generator.sample(asked, Streams({"generator": 6}), digits) != made).any()
    assert torch.equal(torch.get_rng_state(), before)


def test_what_cannot_work_is_said(digits):
    with pytest.raises(MethodError, match="multiple of 8, such as 16"):
        trained(digits, width=12)
    with pytest.raises(MethodError, match="no images"):
        trained((digits[0][:0], digits[1][:0]))
    with pytest.raises(MethodError, match="loss became nan at step 50"):
        trained(digits, steps=50, lr=1e30)
    with pytest.raises(MethodError, match="fit or restore"):
        bind(REGISTRY, "generator", {**DEFAULTS, "method": "gan"})().sample(np.zeros(1, np.int64), STREAMS, digits)
