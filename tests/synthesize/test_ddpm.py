"""The diffusion model as a generator: what it learns, resumes and repeats."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import bind, scan
from assay.synthesize.ddpm import Ddpm
from assay.synthesize.unet import UNet

REGISTRY = scan()
DEFAULTS = {key: option.default for key, option in REGISTRY.card("generator", "ddpm").options.items()}
STREAMS = Streams({"generator": 5})


class Kept:
    """Checkpoints in memory that say they are due after some steps and stop the training once saved."""

    def __init__(self, due_at=None):
        self.state, self.due_at, self.asked = None, due_at, 0

    def load(self):
        return self.state

    def save(self, state):
        self.state = state
        if self.due_at is not None:
            self.due_at = None
            raise KeyboardInterrupt

    def due(self):
        self.asked += 1
        return self.due_at == self.asked


def make(**options):
    return bind(REGISTRY, "generator", {**DEFAULTS, "method": "ddpm", "width": 8, "batch": 16, **options})()


def quiet(step, **values):
    pass


def halves(count=40):
    """Class 0 is bright on the left half, class 1 on the right half."""
    labels = np.arange(count) % 2
    images = np.zeros((count, 8, 8, 1), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 4 * label : 4 * label + 4] = 255
    return images, labels


def trained(checkpoints=None, log=quiet, **options):
    generator = make(**options)
    generator.fit(*halves(), 2, STREAMS, log, checkpoints or Kept())
    return generator


def test_each_class_is_learnt_from_its_label():
    generator = trained(steps=100, batch=32, lr=0.01)
    asked = np.array([0, 1, 1, 0, 1])
    made = generator.sample(asked, STREAMS, halves())
    assert (made.dtype, made.shape) == (np.uint8, (5, 8, 8, 1))
    left = made[:, :, :4].mean((1, 2, 3)) - made[:, :, 4:].mean((1, 2, 3))
    assert ((left < 0) == asked).all()
    assert np.abs(left).min() > 150


def test_an_untrained_network_predicts_nothing_and_its_loss_is_the_variance_of_noise():
    net = UNet(1, 8, 3, 8)
    net.reset(torch.Generator().manual_seed(0))
    x = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    assert (net(x, torch.rand(4), torch.tensor([0, 1, 2, 3])) == 0).all()
    losses = []

    def log(step, loss, lr):
        losses.append(loss)

    trained(steps=1, batch=2000, predict="noise", log=log)
    assert losses[0] == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 7, 7), (1, 8, 11)])
def test_the_network_takes_any_small_image(channels, height, width):
    net = UNet(channels, min(height, width), 4, 8)
    net.reset(torch.Generator().manual_seed(0))
    x = torch.zeros(2, channels, height, width)
    assert net(x, torch.zeros(2), torch.tensor([0, 4])).shape == x.shape


def test_time_and_class_reach_the_prediction():
    net = UNet(1, 8, 3, 8)
    net.reset(torch.Generator().manual_seed(0))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(3))
    x = torch.zeros(1, 1, 8, 8)
    one = net(x, torch.tensor([0.2]), torch.tensor([0]))
    assert not torch.equal(one, net(x, torch.tensor([0.7]), torch.tensor([0])))
    assert not torch.equal(one, net(x, torch.tensor([0.2]), torch.tensor([1])))


@pytest.mark.parametrize("stop", [1, 7, 12])
def test_a_training_that_was_cut_off_ends_with_the_same_weights(stop):
    curves: list[list] = [[], []]
    whole = trained(steps=12, log=lambda step, **values: curves[0].append((step, values))).state()
    checkpoints = Kept(due_at=stop)
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoints, steps=12)
    resumed = trained(checkpoints, steps=12, log=lambda step, **values: curves[1].append((step, values))).state()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert stop == 12 or curves[0] == curves[1]


def test_weights_move_from_one_instance_to_another():
    generator = trained(steps=5)
    other = make(steps=5)
    other.restore(generator.state(), (8, 8, 1), 2)
    asked = np.array([1, 0, 1])
    assert (other.sample(asked, STREAMS, halves()) == generator.sample(asked, STREAMS, halves())).all()


def test_samples_follow_the_stream_alone():
    generator = trained(steps=5, eta=1.0)
    asked = np.zeros(3, np.int64)
    torch.manual_seed(0)
    first = generator.sample(asked, STREAMS, halves())
    torch.manual_seed(1)
    assert (generator.sample(asked, STREAMS, halves()) == first).all()
    assert (generator.sample(asked, Streams({"generator": 6}), halves()) != first).any()


def test_training_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    trained(steps=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_balance_makes_rare_classes_seen_more_often(monkeypatch):
    images = np.zeros((100, 8, 8, 1), np.uint8)
    labels = np.array([0] * 90 + [1] * 10)
    for balance, share in ((0.0, 0.1), (0.5, 0.25), (1.0, 0.5)):  # 10^(1-b) / (10^(1-b) + 90^(1-b))
        seen = []
        forward = UNet.forward

        def spy(self, x, t, y, forward=forward, seen=seen):
            seen.append(y)
            return forward(self, x, t, y)

        with monkeypatch.context() as patch:
            patch.setattr(UNet, "forward", spy)
            make(steps=2, batch=2000, balance=balance, **{"label-dropout": 0.2}).fit(
                images, labels, 2, STREAMS, quiet, Kept()
            )
        y = torch.cat(seen)
        assert float((y == 2).float().mean()) == pytest.approx(0.2, abs=0.03)
        assert float((y[y < 2] == 1).float().mean()) == pytest.approx(share, abs=0.03)


def test_a_loss_that_is_no_number_stops_the_training():
    with pytest.raises(MethodError, match=r"loss became nan at step 50"):
        trained(steps=60, lr=1e30)


def test_what_cannot_work_is_said():
    with pytest.raises(MethodError, match="multiple of 8, such as 16"):
        make(width=12)
    with pytest.raises(MethodError, match="no images"):
        make().fit(np.zeros((0, 8, 8, 1), np.uint8), np.zeros(0, np.int64), 2, STREAMS, print, Kept())
    with pytest.raises(MethodError, match="fit or restore"):
        make().sample(np.zeros(1, np.int64), STREAMS, halves())
    assert isinstance(make(), Ddpm)
