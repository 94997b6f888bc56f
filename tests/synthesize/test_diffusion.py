"""The diffusion process against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from assay.synthesize.ddpm import denoise, guided, to_bytes, to_unit
from assay.synthesize.diffusion import diffuse, noise_of, path, schedule, spread, step_back, velocity


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


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_one_step_with_the_true_noise_gives_back_the_image(eta):
    draw = torch.Generator().manual_seed(1)
    x = torch.rand(3, 2, 4, 4, generator=draw, dtype=torch.float64) * 2 - 1
    noise = torch.randn(x.shape, generator=draw, dtype=torch.float64)
    seen = diffuse(x, noise, torch.full((3,), 0.2))
    torch.testing.assert_close(step_back(seen, noise, float(torch.tensor(0.2)), 1.0, eta, noise), x)


@pytest.mark.parametrize("visits", [2, 3, 40])
def test_ddim_with_an_oracle_recovers_the_image_from_any_number_of_steps(visits):
    alpha_bar = schedule("cosine", 40).tolist()
    draw = torch.Generator().manual_seed(2)
    x = torch.rand(2, 1, 4, 4, generator=draw, dtype=torch.float64) * 2 - 1
    start = torch.randn(x.shape, generator=draw, dtype=torch.float64)

    def oracle(seen, t, y):
        return (seen - math.sqrt(alpha_bar[t]) * x) / math.sqrt(1 - alpha_bar[t])

    y = torch.zeros(2, dtype=torch.int64)
    torch.testing.assert_close(denoise(start, y, oracle, alpha_bar, visits, 0.0, None), x)


def test_ddim_stays_on_the_path_of_its_noise():
    # Deterministic steps with the true noise pass through sqrt(a) x + sqrt(1 - a) noise at every level.
    x = torch.tensor([[[[0.5]]]], dtype=torch.float64)
    noise = torch.tensor([[[[-1.3]]]], dtype=torch.float64)
    at = math.sqrt(0.1) * x + math.sqrt(0.9) * noise
    torch.testing.assert_close(step_back(at, noise, 0.1, 0.7, 0.0, None), math.sqrt(0.7) * x + math.sqrt(0.3) * noise)


@pytest.mark.parametrize("t", [1, 5, 29])
def test_eta_one_over_single_steps_is_the_posterior_of_the_ddpm(t):
    alpha_bar = schedule("linear", 30).tolist()
    now, before = alpha_bar[t], alpha_bar[t - 1]
    beta = 1 - now / before
    # Ho et al., equations 6 and 7.
    variance = (1 - before) / (1 - now) * beta
    assert spread(now, before, 1.0) ** 2 == pytest.approx(variance)
    x, clean = torch.tensor([[[[0.8]]]], dtype=torch.float64), 0.25
    noise = (x - math.sqrt(now) * clean) / math.sqrt(1 - now)
    mean = math.sqrt(before) * beta / (1 - now) * clean + math.sqrt(now / before) * (1 - before) / (1 - now) * x
    draw = torch.tensor([[[[-0.7]]]], dtype=torch.float64)
    torch.testing.assert_close(step_back(x, noise, now, before, 1.0, draw), mean - 0.7 * math.sqrt(variance))


def test_an_impossible_image_is_clipped_and_its_noise_follows():
    x, noise = torch.full((1, 1, 1, 1), 3.0, dtype=torch.float64), torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    # The implied image is 3 / sqrt(0.5), so 1 is taken, and the rest of x is noise.
    rest = (3.0 - math.sqrt(0.5)) / math.sqrt(0.5)
    expected = math.sqrt(0.9) + math.sqrt(0.1) * rest
    assert float(step_back(x, noise, 0.5, 0.9, 0.0, None)) == pytest.approx(expected)


def test_the_path_is_the_linear_subsequence():
    assert path(10, 10) == list(range(9, -1, -1)) == path(10, 50)
    assert path(1000, 5) == [800, 600, 400, 200, 0]
    for visits in range(2, 30):
        steps = path(30, visits)
        assert len(set(steps)) == visits
        assert steps[-1] == 0
        assert steps == sorted(steps, reverse=True)


def test_velocity_and_noise_tell_the_same():
    draw = torch.Generator().manual_seed(4)
    x, noise = (torch.randn(2, 1, 3, 3, generator=draw, dtype=torch.float64) for _ in range(2))
    a = torch.tensor([0.3, 0.3], dtype=torch.float64)
    at, v = diffuse(x, noise, a), velocity(x, noise, a)
    torch.testing.assert_close(noise_of(at, v, 0.3), noise)
    # The image from the velocity: sqrt(a) x_t - sqrt(1 - a) v (Salimans and Ho, appendix D).
    torch.testing.assert_close(math.sqrt(0.3) * at - math.sqrt(0.7) * v, x)
    # An image without noise has the velocity of its noise, pure noise that of the image taken away.
    torch.testing.assert_close(velocity(x, noise, torch.ones(2, dtype=torch.float64)), noise)
    torch.testing.assert_close(velocity(x, noise, torch.zeros(2, dtype=torch.float64)), -x)


def test_guidance_extrapolates_from_no_class_to_the_class():
    def seen(x, t, y):
        return x + y[:, None, None, None]

    x, y = torch.zeros(2, 1, 1, 1), torch.tensor([2, 5])
    assert guided(seen, 9, 0) is seen
    # (1 + w) y - w 9 for w = 2.
    assert guided(seen, 9, 2.0)(x, 0, y).flatten().tolist() == [3 * 2 - 2 * 9, 3 * 5 - 2 * 9]


def test_bytes_survive_the_way_there_and_back():
    images = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).numpy()
    x = to_unit(images)
    assert x.shape == (1, 1, 16, 16)
    assert (float(x.min()), float(x.max())) == (-1, 1)
    assert (to_bytes(x) == images).all()
