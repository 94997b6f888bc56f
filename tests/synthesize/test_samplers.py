"""Samplers against diffusers, against flows that are known in closed form, and against each other."""

from __future__ import annotations

import math

import pytest
import torch
from assay.study.registry import bind, scan
from assay.synthesize.diffusion import schedule
from assay.synthesize.samplers import ancestral as ancestral_module
from assay.synthesize.samplers.ancestral import forward
from assay.synthesize.samplers.ddim import spread
from assay.synthesize.samplers.unipc import weights
from assay.synthesize.sampling import Sampling, guided, scaled

REGISTRY = scan()
SIGMAS = [20.0, 8.0, 3.0, 1.2, 0.5, 0.2, 0.05, 0.0]
START = torch.tensor([-1.7, -0.2, 0.4, 2.3], dtype=torch.float64).reshape(4, 1, 1, 1)


def sampler(name, **options):
    card = REGISTRY.card("sampler", name)
    return bind(REGISTRY, "sampler", {"method": name, **{k: o.default for k, o in card.options.items()}, **options})


def toy(x, sigma):
    """A denoiser that is none of a normal distribution's."""
    return torch.tanh(1.5 * x / math.sqrt(1 + sigma**2)) - 0.3


def check(made, expected, **tolerance):
    torch.testing.assert_close(made.flatten(), torch.tensor(expected, dtype=torch.float64), **tolerance)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        # What diffusers 0.42.1 gives for the same denoiser and levels.
        ("unipc", {"order": 1}, [-1.267241188139367, -1.2482954092510217, 0.022432861764477063, 0.5119652231003933]),
        ("unipc", {"order": 2}, [-1.2666828071311218, -1.2542003077410808, -0.050942201467406356, 0.49559015289212865]),
        ("unipc", {"order": 3}, [-1.2666748095467226, -1.2533912215921237, -0.08341422692956868, 0.4951525759287299]),
        ("dpm-solver++", {}, [-1.2667521634129726, -1.2550435994558287, -0.03525659868518288, 0.49767701006174075]),
        ("heun", {}, [-1.2647432784755253, -1.254072935106224, -0.4647495030535006, 0.38901095348461473]),
    ],
)
def test_each_solver_agrees_with_diffusers(name, options, expected):
    # Theirs of DPM-Solver++ keeps its levels in 32 bit.
    check(sampler(name, **options)(toy, START * SIGMAS[0], SIGMAS, torch.Generator()), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("ddim", {"eta": 0.0}, [-1.2611297752632278, -1.2486392311942212, 0.07606372328183375, 0.47827114959515143]),
        ("ddim", {"eta": 1.0}, [0.20263824048943785, -1.2607945396566118, 0.43176227122269234, 0.16248283787512674]),
        (
            "ancestral",
            {"variance": "posterior"},
            [0.20263824048943785, -1.2607945396566118, 0.43176227122269234, 0.16248283787512674],
        ),
        (
            "ancestral",
            {"variance": "forward"},
            [0.3877773958485849, -1.2860981307823038, 0.5670576628056128, 0.3093885532711534],
        ),
    ],
)
def test_ddim_and_the_ancestral_sampler_agree_with_diffusers(name, options, expected, monkeypatch):
    """Ten of the thousand levels of the linear schedule; DDIMScheduler and DDPMScheduler of diffusers 0.42.1."""
    noise = torch.tensor([0.3, -1.1, 0.7, 0.2], dtype=torch.float64).reshape(4, 1, 1, 1)
    monkeypatch.setattr(ancestral_module.torch, "randn", lambda *_, **__: noise)
    signal = schedule("linear", 1000)[[900, 800, 700, 600, 500, 400, 300, 200, 100, 0]]
    sigmas = [*((1 - signal) / signal).sqrt().tolist(), 0.0]
    x = START * math.sqrt(1 + sigmas[0] ** 2)  # of a DDPM, theirs starts with the variance of a noisy image
    check(sampler(name, **options)(toy, x, sigmas, torch.Generator()), expected)


# -- a normal distribution, of which everything is known ------------------------------------------------------------

MEAN, SPREAD = 0.4, 0.3


def exact(x, sigma):
    """The denoiser of pixels that are normal with MEAN and SPREAD."""
    return (SPREAD**2 * x + sigma**2 * MEAN) / (SPREAD**2 + sigma**2)


def flow(x, sigma):
    """Where the probability flow takes x from `sigma` to 0 (Karras et al., equation 1, solved)."""
    return MEAN + (x - MEAN) * SPREAD / math.sqrt(SPREAD**2 + sigma**2)


def levels(steps, top=80.0):
    """The schedule of Karras et al., written out here again."""
    return [*((top ** (1 / 7) + i / (steps - 1) * (0.002 ** (1 / 7) - top ** (1 / 7))) ** 7 for i in range(steps)), 0.0]


@pytest.mark.parametrize(
    ("name", "options", "order"),
    [
        ("ddim", {}, 1),
        ("heun", {}, 2),
        ("dpm-solver++", {}, 2),
        ("unipc", {"order": 1}, 2),
        ("unipc", {"order": 2}, 3),
    ],
)
def test_a_solver_follows_the_flow_with_its_order(name, options, order):
    x = 80 * torch.linspace(-2, 2, 9, dtype=torch.float64).reshape(9, 1, 1, 1)
    errors = []
    for steps in (40, 80):
        made = sampler(name, **options)(exact, x, levels(steps), torch.Generator())
        errors.append(float((made - flow(x, 80.0)).abs().max()))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.35)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ddim", {"eta": 0.0}),
        ("ddim", {"eta": 1.0}),
        ("ancestral", {"variance": "posterior"}),
        ("heun", {}),
        ("heun", {"churn": 30.0, "churn-noise": 1.0}),
        ("dpm-solver++", {}),
        ("unipc", {}),
    ],
)
def test_an_exact_denoiser_reproduces_mean_and_covariance(name, options):
    """Two correlated pixels: the images are normal with these moments, whichever way the sampler goes."""
    mean = torch.tensor([0.4, -0.2], dtype=torch.float64)
    covariance = torch.tensor([[0.09, 0.05], [0.05, 0.06]], dtype=torch.float64)

    def denoise(x, sigma):
        gain = covariance @ torch.linalg.inv(covariance + sigma**2 * torch.eye(2, dtype=torch.float64))
        return (mean + (x.flatten(1) - mean) @ gain.T).reshape(x.shape)

    draw = torch.Generator().manual_seed(0)
    x = 80 * torch.randn(20_000, 1, 1, 2, generator=draw, dtype=torch.float64)
    # A step that puts noise back has an error of first order, so these take many.
    steps = 1000 if name == "ancestral" or options.get("eta") else 150
    made = sampler(name, **options)(denoise, x, levels(steps), draw).flatten(1)
    torch.testing.assert_close(made.mean(0), mean, atol=0.01, rtol=0)
    torch.testing.assert_close(made.T.cov(), covariance, atol=0.004, rtol=0)


def test_the_variance_of_the_forward_step_is_right_for_noise_as_images():
    # Ho et al., section 3.2: sigma^2 = beta is optimal for standard normal images, the posterior's for a single one.
    def unit(x, sigma):
        return x / (1 + sigma**2)

    draw = torch.Generator().manual_seed(1)
    x = 80 * torch.randn(40_000, 1, 1, 1, generator=draw, dtype=torch.float64)
    coarse = [80.0, 10.0, 3.0, 1.0, 0.3, 0.0]  # so few steps that the two differ
    spreads = {
        v: float(sampler("ancestral", variance=v)(unit, x, coarse, draw).std()) for v in ("posterior", "forward")
    }
    # From sigma 0.3 the image that is seen has the share 1 / (1 + 0.09) of its spread of sqrt(1.09).
    assert spreads["forward"] == pytest.approx(1 / math.sqrt(1.09), abs=0.02)
    assert spreads["posterior"] < 0.85


@pytest.mark.parametrize("t", [1, 5, 29])
def test_variances_are_those_of_the_ddpm(t):
    signal = schedule("linear", 30).tolist()
    now, before = signal[t], signal[t - 1]
    start, end = math.sqrt((1 - now) / now), math.sqrt((1 - before) / before)
    beta = 1 - now / before
    # Ho et al., equation 7, and section 3.2; x there is sqrt(alpha_bar) times x here.
    assert before * spread(start, end) ** 2 == pytest.approx((1 - before) / (1 - now) * beta)
    assert before * forward(start, end) ** 2 == pytest.approx(beta)


@pytest.mark.parametrize("name", REGISTRY.names("sampler"))
def test_a_denoiser_that_knows_the_image_ends_at_it(name):
    image = torch.rand(3, 1, 2, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x = 20 * torch.randn(3, 1, 2, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    made = sampler(name)(lambda *_: image, x, SIGMAS, torch.Generator().manual_seed(4))
    torch.testing.assert_close(made, image)


def test_heun_without_churn_draws_nothing_and_with_it_stays_within_its_bounds():
    x = torch.full((4, 1, 1, 1), 20.0, dtype=torch.float64)
    plain = sampler("heun")(toy, x, SIGMAS, torch.Generator().manual_seed(0))
    assert torch.equal(plain, sampler("heun")(toy, x, SIGMAS, torch.Generator().manual_seed(1)))
    seen = []
    sampler("heun", churn=100.0, **{"churn-from": 1.0, "churn-to": 10.0})(
        lambda x, sigma: seen.append(sigma) or toy(x, sigma), x, SIGMAS, torch.Generator().manual_seed(0)
    )
    # gamma is at most sqrt(2) - 1, so a level is raised by sqrt(2) where noise is put in.
    raised = [sigma for sigma in seen if all(abs(sigma - level) > 1e-9 for level in SIGMAS)]
    assert raised == pytest.approx([math.sqrt(2) * sigma for sigma in (8.0, 3.0, 1.2)])


def test_weights_of_unipc_make_exponential_integrals_of_polynomials_exact():
    # The step integrates e^(lambda) times the image; weights for places r must do so for r and r^2 exactly.
    places, step = [-0.7, 1.0], 0.6
    gains = weights(places, step)
    for power in (1, 2):
        # integral over 0..1 of h e^(-h (1 - u)) u^power du, numerically.
        u = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
        integral = float((step * torch.exp(-step * (1 - u)) * u**power).mean())
        told = -math.expm1(-step) * sum(gain * place ** (power - 1) for gain, place in zip(gains, places, strict=True))
        assert told == pytest.approx(integral, rel=1e-8)
    assert weights([-2.0], step) == [0.5]


# -- what all samplers share ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "evaluations"), [("ddim", 10), ("ancestral", 10), ("heun", 19), ("dpm-solver++", 10), ("unipc", 10)]
)
@pytest.mark.parametrize("guidance", [0.0, 1.5])
def test_network_evaluations_are_counted(name, evaluations, guidance):
    calls = []

    def denoise(x, sigma, y):
        calls.append(len(x))
        return toy(x, sigma)

    card = REGISTRY.card("sampler", name)
    entry = {"method": name, **{k: o.default for k, o in card.options.items()}, "steps": 10, "guidance": guidance}
    sampling = Sampling.of(REGISTRY, entry)
    sampling(denoise, START * 80, levels(10), torch.zeros(4, dtype=torch.int64), 9, torch.Generator().manual_seed(0))
    assert sum(calls) == 4 * sampling.evaluations
    assert sampling.evaluations == evaluations * (2 if guidance else 1)


def test_guidance_extrapolates_from_no_class_to_the_class():
    def denoise(x, sigma, y):
        return x + y[:, None, None, None]

    x, y = torch.zeros(2, 1, 1, 1), torch.tensor([2, 5])
    assert guided(denoise, x, 1.0, y, 9, 0).flatten().tolist() == [2, 5]
    # (1 + w) y - w 9 for w = 2.
    assert guided(denoise, x, 1.0, y, 9, 2.0).flatten().tolist() == [3 * 2 - 2 * 9, 3 * 5 - 2 * 9]


def test_epsilon_scaling_divides_the_noise():
    x, clean, sigma = torch.tensor([5.0]), torch.tensor([1.0]), 2.0
    noise = (x - clean) / sigma
    assert float((x - scaled(x, clean, 1.25)) / sigma) == pytest.approx(float(noise / 1.25))
    assert scaled(x, clean, 1.0) is clean
