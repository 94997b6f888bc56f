"""The diffusion model as a generator: what it learns, resumes and repeats."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import bind, scan
from assay.synthesize import diffuser
from assay.synthesize.ddpm import Ddpm
from assay.synthesize.diffusion import diffuse, schedule, velocity
from assay.synthesize.sampling import Sampling
from assay.synthesize.unet import UNet
from generating import halves

REGISTRY = scan()
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


def defaults(kind, name):
    return {"method": name, **{key: option.default for key, option in REGISTRY.card(kind, name).options.items()}}


def make(name="ddpm", **options):
    return bind(REGISTRY, "generator", {**defaults("generator", name), "width": 8, "batch": 16, **options})()


def sampled(generator, labels, streams=None, name="ddim", **options):
    sampling = Sampling.of(REGISTRY, {**defaults("sampler", name), **options})
    return generator.sample(labels, streams or STREAMS, halves(), sampling)


def quiet(step, **values):
    pass


def trained(checkpoints=None, log=quiet, name="ddpm", **options):
    generator = make(name, **options)
    generator.fit(*halves(), 2, STREAMS, log, checkpoints or Kept())
    return generator


@pytest.fixture(scope="module")
def learnt():
    return {name: trained(name=name, steps=150, batch=32, lr=0.01) for name in ("ddpm", "edm")}


def brighter(made):
    """How much brighter the left half of each image is than the right one."""
    return made[:, :, :4].mean((1, 2, 3)) - made[:, :, 4:].mean((1, 2, 3))


@pytest.mark.parametrize(
    "sampler", [name for name in REGISTRY.names("sampler") if REGISTRY.card("sampler", name).network == "denoiser"]
)
@pytest.mark.parametrize("name", ["ddpm", "edm"])
def test_each_class_is_learnt_from_its_label_whatever_the_sampler(learnt, name, sampler):
    asked = np.array([0, 1, 1, 0, 1])
    made = sampled(learnt[name], asked, name=sampler, steps=20)
    assert (made.dtype, made.shape) == (np.uint8, (5, 8, 8, 1))
    assert ((brighter(made) < 0) == asked).all()
    assert np.median(np.abs(brighter(made))) > 150


def test_immiscible_noise_is_what_the_network_is_trained_with(monkeypatch):
    calls = []
    monkeypatch.setattr(diffuser, "immiscible", lambda x, noise: calls.append(len(x)) or noise.flip(0))
    plain, assigned = (trained(steps=3, **{"noise-assignment": how}).state() for how in ("random", "immiscible"))
    assert calls == [16] * 3
    assert any(not torch.equal(plain[key], assigned[key]) for key in plain)


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


@pytest.mark.parametrize("name", ["ddpm", "edm"])
@pytest.mark.parametrize("stop", [1, 7, 12])
def test_a_training_that_was_cut_off_ends_with_the_same_weights(stop, name):
    curves: list[list] = [[], []]
    whole = trained(name=name, steps=12, log=lambda step, **values: curves[0].append((step, values))).state()
    checkpoints = Kept(due_at=stop)
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoints, name=name, steps=12)
    resumed = trained(
        checkpoints, name=name, steps=12, log=lambda step, **values: curves[1].append((step, values))
    ).state()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert stop == 12 or curves[0] == curves[1]


def test_weights_move_from_one_instance_to_another():
    generator = trained(steps=5)
    other = make(steps=5)
    other.restore(generator.state(), (8, 8, 1), 2)
    asked = np.array([1, 0, 1])
    assert (sampled(other, asked) == sampled(generator, asked)).all()


def test_samples_follow_the_stream_alone():
    generator = trained(steps=5)
    asked = np.zeros(3, np.int64)
    torch.manual_seed(0)
    first = sampled(generator, asked, name="ancestral")
    torch.manual_seed(1)
    assert (sampled(generator, asked, name="ancestral") == first).all()
    assert (sampled(generator, asked, Streams({"generator": 6}), name="ancestral") != first).any()


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
        sampled(make(), np.zeros(1, np.int64))
    assert isinstance(make(), Ddpm)


@pytest.mark.parametrize("predict", ["noise", "velocity"])
def test_the_denoiser_undoes_what_the_network_is_told_to_predict(predict, monkeypatch):
    """A network that tells the truth makes the denoiser give the image back, at every level and between two."""
    generator = make(levels=50, predict=predict)
    draw = torch.Generator().manual_seed(0)
    x, noise = torch.rand(2, 1, 8, 8, generator=draw) * 2 - 1, torch.randn(2, 1, 8, 8, generator=draw)
    told = []
    for sigma in [*generator.sigmas(50)[:-1], 1.2345]:
        signal = torch.full((2,), 1 / (1 + sigma**2))

        def truth(seen, t, y, signal=signal):
            torch.testing.assert_close(seen, diffuse(x, noise, signal), rtol=1e-4, atol=1e-4)
            told.append(float(t[0]))
            return noise if predict == "noise" else velocity(x, noise, signal)

        made = generator.denoise(truth, x + sigma * noise, sigma, torch.zeros(2, dtype=torch.int64))
        if sigma < 50:  # the image is lost in rounding where noise is thousands of times larger
            torch.testing.assert_close(made, x, rtol=0, atol=0.02)
    assert told[:50] == pytest.approx([(t + 0.5) / 50 for t in reversed(range(50))])


def test_sampling_starts_with_the_variance_of_noisy_images_and_ends_clean():
    generator = make(levels=100, schedule="linear")
    sigmas = generator.sigmas(10)
    signal = schedule("linear", 100)
    assert sigmas[0] == pytest.approx(float(((1 - signal[90]) / signal[90]).sqrt()))
    assert sigmas[-1] == 0
    assert len(sigmas) == 11
    # A DDPM starts at a standard normal x_T, which is x here times sqrt(alpha_bar).
    assert float(generator.start(torch.ones(1), sigmas[0])) * float(signal[90].sqrt()) == pytest.approx(1)
