"""Time-dependent importance weights: closed forms, and a biased set that is corrected."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from assay.data.dataset import Dataset, Split
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import bind, scan
from assay.synthesize.fit import fit
from assay.synthesize.importance import Ratio, aimed, mixed
from assay.synthesize.sampling import Sampling
from torch import nn

REGISTRY = scan()
STREAMS = Streams({"generator": 2})
BIASED, FAIR, SPREAD = -1.0, 0.5, 0.3


class Kept:
    """Checkpoints in memory that say they are due after some steps and stop the training once saved."""

    def __init__(self, due_at=None):
        self.state, self.due_at, self.asked = None, due_at, 0

    def load(self):
        return self.state

    def save(self, state):
        self.state = state
        self.due_at = None
        raise KeyboardInterrupt

    def due(self):
        self.asked += 1
        return self.due_at == self.asked


class Exact(nn.Module):
    """The log odds of two normal distributions of one pixel, with noise."""

    def forward(self, x, sigma, _):
        variance = SPREAD**2 + sigma**2
        return (((x[:, 0, 0, 0] - BIASED) ** 2 - (x[:, 0, 0, 0] - FAIR) ** 2) / (2 * variance)).double()


def test_the_aim_makes_the_denoiser_of_biased_images_that_of_unbiased_ones():
    draw = torch.Generator().manual_seed(0)
    x, noise = (torch.randn(50, 1, 1, 1, generator=draw, dtype=torch.float64) for _ in range(2))
    sigma = torch.rand(50, generator=draw, dtype=torch.float64) * 2 + 0.1
    clean, told, weight = aimed(Exact(), x, noise, sigma, torch.zeros(50, dtype=torch.int64))
    at = (x + sigma[:, None, None, None] * noise).flatten()
    variance = SPREAD**2 + sigma**2
    # The posterior means of the clean pixel under either, and under one half of each.
    means = [at - sigma**2 * (at - centre) / variance for centre in (BIASED, FAIR)]
    fair = torch.sigmoid(((at - BIASED) ** 2 - (at - FAIR) ** 2) / (2 * variance))
    both = (1 - fair) * means[0] + fair * means[1]
    torch.testing.assert_close(both + (clean - x).flatten(), means[1])
    torch.testing.assert_close(weight, 2 * fair)
    torch.testing.assert_close(clean + sigma[:, None, None, None] * told, x + sigma[:, None, None, None] * noise)


def test_without_an_opinion_nothing_is_aimed_at_but_the_image():
    ratio = Ratio(1, 2, 8)
    ratio.reset(torch.Generator().manual_seed(0))
    x, noise = torch.randn(3, 1, 8, 8), torch.randn(3, 1, 8, 8)
    clean, told, weight = aimed(ratio, x, noise, torch.tensor([0.1, 1.0, 50.0]), torch.tensor([0, 1, 2]))
    assert torch.equal(clean, x)
    assert torch.equal(told, noise)
    torch.testing.assert_close(weight, torch.ones(3))


def test_half_of_the_draws_are_unbiased_in_every_class():
    y = torch.tensor([0, 0, 0, 1])
    few = torch.tensor([0, 1, 1])
    _, labels, weights, unbiased = mixed((torch.zeros(4), y), (torch.ones(3), few), torch.ones(4, dtype=torch.float64))
    assert weights.tolist() == pytest.approx([1 / 8] * 4 + [3 / 8, 1 / 16, 1 / 16])
    for label, share in ((0, 0.75), (1, 0.25)):
        parts = [float(weights[(labels == label) & (unbiased == which)].sum()) for which in (False, True)]
        assert parts == pytest.approx([share / 2] * 2)
    with pytest.raises(MethodError, match="no image of class number 1;"):
        mixed((torch.zeros(4), y), (torch.ones(1), few[:1]), torch.ones(4, dtype=torch.float64))


def sided(count, share, seed):
    """Images whose left half is bright, or whose right one is, in a share of them; labels tell nothing."""
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 30, (count, 8, 8, 1), dtype=np.uint8)
    right = np.arange(count) < round(share * count)
    images[right, :, 4:] += 200
    images[~right, :, :4] += 200
    labels = np.arange(count) % 2
    return Dataset(["a", "b"], {"train": Split(images, labels, np.arange(count).astype(str), labels.copy())})


def defaults(kind, name):
    return {"method": name, **{key: option.default for key, option in REGISTRY.card(kind, name).options.items()}}


def trained(name, fair=None, checkpoints=None, steps=80, real=None, **options):
    method = {**defaults("generator", name), "steps": steps, "width": 8, "batch": 32, "lr": 0.01, **options}
    spec = {"method": method, "streams": {"generator": 2}, "precision": "fp32", "threads": 1}
    dataset = real or sided(200, 0.05, 0)
    return fit(spec, REGISTRY, dataset, lambda *_, **__: None, checkpoints or Kept(), unbiased=fair)


def to_the_right(generator):
    """The share of samples whose right half is the brighter one."""
    sampling = Sampling(bind(REGISTRY, "sampler", defaults("sampler", "ddim")), 12, 0.0, 1.0)
    made = generator.sample(np.arange(64) % 2, STREAMS, (np.zeros((1, 8, 8, 1), np.uint8), np.zeros(1)), sampling)
    return float((made[:, :, 4:].mean((1, 2, 3)) > made[:, :, :4].mean((1, 2, 3))).mean())


@pytest.mark.parametrize("name", ["ddpm", "edm"])
def test_a_few_fair_images_correct_a_biased_set(name):
    fair = sided(40, 0.5, 1)
    assert to_the_right(trained(name)) < 0.2
    assert 0.3 < to_the_right(trained(name, fair, **{"ratio-steps": 80})) < 0.7


@pytest.mark.parametrize("stop", [2, 5, 7])
def test_a_training_with_weights_that_was_cut_off_ends_with_the_same_ones(stop):
    fair = sided(20, 0.5, 1)
    whole = trained("ddpm", fair, steps=4, **{"ratio-steps": 5}).state()
    checkpoints = Kept(due_at=stop)
    with pytest.raises(KeyboardInterrupt):
        trained("ddpm", fair, checkpoints, steps=4, **{"ratio-steps": 5})
    assert checkpoints.state["step"] == stop
    resumed = trained("ddpm", fair, checkpoints, steps=4, **{"ratio-steps": 5}).state()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_sets_of_other_classes_do_not_go_together():
    fair = sided(20, 0.5, 1)
    fair.classes = ["a", "c"]
    with pytest.raises(MethodError, match="unbiased: its classes are a, c"):
        trained("ddpm", fair)


def test_grey_images_correct_a_set_whose_bias_made_it_rgb():
    grey = sided(20, 0.5, 1)
    train = grey.splits["train"]
    rgb = Dataset(grey.classes, {"train": Split(np.repeat(train.images, 3, 3), train.labels, train.ids, train.labels)})
    one, other = (trained("ddpm", fair, real=rgb, steps=2, **{"ratio-steps": 2}).state() for fair in (grey, rgb))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_unbiased_images_of_another_size_are_told():
    fair = sided(20, 0.5, 1)
    fair.splits["train"].images = fair.splits["train"].images[:, :6]
    with pytest.raises(MethodError, match="unbiased: its images are 6 x 8, not 8 x 8"):
        trained("ddpm", fair)
