"""The variational autoencoder against closed forms, and as a generator that learns and resumes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from assay.streams import Streams
from assay.study.registry import bind, scan
from assay.synthesize.vae import Network, divergence, objective
from generating import Kept, halves
from torch.distributions import Normal, kl_divergence

REGISTRY = scan()
DEFAULTS = {key: option.default for key, option in REGISTRY.card("generator", "vae").options.items()}
STREAMS = Streams({"generator": 5})


def trained(checkpoints=None, **options):
    generator = bind(REGISTRY, "generator", {**DEFAULTS, "method": "vae", "width": 32, "batch": 16, **options})()
    generator.fit(*halves(), 2, STREAMS, lambda *_, **__: None, checkpoints or Kept())
    return generator


def test_the_divergence_is_that_of_torch():
    draw = torch.Generator().manual_seed(0)
    mean, log_variance = (torch.randn(4, 3, generator=draw) for _ in range(2))
    told = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(divergence(mean, log_variance), told)


def test_a_network_of_zeros_loses_a_bit_a_pixel_and_nothing_to_the_prior():
    net = Network(10, 2, 4, 3)
    for parameter in net.parameters():
        torch.nn.init.zeros_(parameter)
    x, y = torch.rand(5, 10, generator=torch.Generator().manual_seed(1)), torch.zeros(5, dtype=torch.int64)
    for beta in (0.0, 1.0, 4.0):
        assert float(objective(net, x, y, torch.ones(5, 3), beta).detach()) == pytest.approx(10 * math.log(2))
    torch.nn.init.ones_(net.moments.bias)  # mean 1 and log variance 1: half of 1 + e - 2 a dimension
    expected = 10 * math.log(2) + 4 * 3 * 0.5 * (math.e - 1)
    assert float(objective(net, x, y, torch.ones(5, 3), 4.0).detach()) == pytest.approx(expected, rel=1e-5)


def test_each_class_is_learnt_from_its_label():
    asked = np.array([0, 1, 1, 0, 1])
    made = trained(steps=200, lr=0.01).sample(asked, STREAMS, halves())
    assert (made.dtype, made.shape) == (np.uint8, (5, 8, 8, 1))
    left = made[:, :, :4].mean((1, 2, 3)) - made[:, :, 4:].mean((1, 2, 3))
    assert ((left < 0) == asked).all()
    assert np.abs(left).min() > 150


def test_a_training_that_was_cut_off_ends_with_the_same_weights():
    whole = trained(steps=12).state()
    checkpoints = Kept(due_at=7)
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoints, steps=12)
    resumed = trained(checkpoints, steps=12).state()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_weights_move_and_samples_follow_the_stream():
    generator = trained(steps=5)
    other = bind(REGISTRY, "generator", {**DEFAULTS, "method": "vae", "width": 32})()
    other.restore(generator.state(), (8, 8, 1), 2)
    asked = np.array([1, 0])
    made = generator.sample(asked, STREAMS, halves())
    assert (other.sample(asked, STREAMS, halves()) == made).all()
    assert (generator.sample(asked, Streams({"generator": 6}), halves()) != made).any()
