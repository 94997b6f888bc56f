"""The diffusion process against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from assay.synthesize.diffusion import clean_from_noise, clean_from_velocity, diffuse, path, schedule, velocity
from assay.synthesize.pixels import to_bytes, to_unit


def test_the_linear_schedule_is_that_of_the_paper():
    beta = [1e-4 + (0.02 - 1e-4) * t / 999 for t in range(1000)]
    product = math.exp(sum(math.log1p(-b) for b in beta))
    found = schedule("linear", 1000)
    assert float(found[0]) == pytest.approx(1 - 1e-4)
    assert float(found[-1]) == pytest.approx(product, rel=1e-9)
    assert product == pytest.approx(4.04e-5, rel=0.01)  # "L_T about 1e-5", section 4: almost nothing is left


def test_the_cosine_schedule_is_that_of_the_paper():
    found = schedule("cosine", 100)
    level = [math.cos((t / 100 + 0.008) / 1.008 * math.pi / 2) ** 2 for t in range(101)]
    for t in (0, 1, 50, 98):
        assert float(found[t]) == pytest.approx(level[t + 1] / level[0])
    assert float(found[99] / found[98]) == pytest.approx(0.001)  # beta is clipped at 0.999


@pytest.mark.parametrize("name", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [2, 10, 1000])
def test_noise_only_grows(name, steps):
    found = schedule(name, steps)
    assert found.shape == (steps,)
    assert (found > 0).all()
    assert (found[1:] < found[:-1]).all()


def test_another_schedule_is_refused():
    with pytest.raises(ValueError, match="linear or cosine"):
        schedule("sigmoid", 10)


def test_moments_of_the_forward_process():
    draw = torch.Generator().manual_seed(0)
    x = torch.full((200_000, 1, 1, 1), 0.6, dtype=torch.float64)
    noise = torch.randn(x.shape, generator=draw, dtype=torch.float64)
    a = 0.3
    seen = diffuse(x, noise, torch.full((len(x),), a))
    assert float(seen.mean()) == pytest.approx(math.sqrt(a) * 0.6, abs=0.01)
    assert float(seen.var()) == pytest.approx(1 - a, abs=0.01)


def test_many_small_steps_forward_are_one_large_one():
    # Equation 2 of the DDPM, iterated, has the mean and variance of equation 4.
    alpha_bar = schedule("linear", 50)
    mean, variance = 1.0, 0.0
    for alpha in (alpha_bar / torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])).tolist():
        mean, variance = math.sqrt(alpha) * mean, alpha * variance + 1 - alpha
    assert mean == pytest.approx(math.sqrt(float(alpha_bar[-1])))
    assert variance == pytest.approx(1 - float(alpha_bar[-1]))


def test_the_path_is_the_linear_subsequence():
    assert path(10, 10) == list(range(9, -1, -1)) == path(10, 50)
    assert path(1000, 5) == [800, 600, 400, 200, 0]
    for visits in range(2, 30):
        steps = path(30, visits)
        assert len(set(steps)) == visits
        assert steps[-1] == 0
        assert steps == sorted(steps, reverse=True)


def test_bytes_survive_the_way_there_and_back():
    images = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).numpy()
    x = to_unit(images)
    assert x.shape == (1, 1, 16, 16)
    assert (float(x.min()), float(x.max())) == (-1, 1)
    assert (to_bytes(x) == images).all()


def test_velocity_and_noise_tell_the_same_image():
    draw = torch.Generator().manual_seed(4)
    x, noise = (torch.randn(2, 1, 3, 3, generator=draw, dtype=torch.float64) for _ in range(2))
    a = torch.tensor([0.3, 0.3], dtype=torch.float64)
    at, v = diffuse(x, noise, a), velocity(x, noise, a)
    torch.testing.assert_close(clean_from_noise(at, noise, a), x)
    torch.testing.assert_close(clean_from_velocity(at, v, a), x)
    # An image without noise has the velocity of its noise, pure noise that of the image taken away.
    torch.testing.assert_close(velocity(x, noise, torch.ones(2, dtype=torch.float64)), noise)
    torch.testing.assert_close(velocity(x, noise, torch.zeros(2, dtype=torch.float64)), -x)
