"""Distilled diffusion models against a normal distribution, of which every path is known, and as generators."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import bind, scan
from assay.synthesize.consistency import apart, boundary, heun_step
from assay.synthesize.edm import Edm, preconditioning
from assay.synthesize.progressive import target
from assay.synthesize.samplers.ddim import ddim
from assay.synthesize.sampling import Sampling
from assay.synthesize.unet import UNet
from generating import Kept, halves

REGISTRY = scan()
STREAMS = Streams({"generator": 5})
METHODS = ["progressive-distillation", "consistency-distillation"]
MEAN, SPREAD = 0.4, 0.3


def defaults(kind, name):
    return {"method": name, **{key: option.default for key, option in REGISTRY.card(kind, name).options.items()}}


def make(name, **options):
    return bind(REGISTRY, "generator", {**defaults("generator", name), **options})()


def exact(x, sigma):
    """The denoiser of pixels that are normal with MEAN and SPREAD; `sigma` is [B]."""
    sigma = sigma[:, None, None, None]
    return (SPREAD**2 * x + sigma**2 * MEAN) / (SPREAD**2 + sigma**2)


def flow(x, sigma, end):
    """Where the probability flow takes x from `sigma` to `end`, both [B] (Karras et al. 2022, equation 1, solved)."""
    sigma, end = sigma[:, None, None, None], end[:, None, None, None]
    return MEAN + (x - MEAN) * ((SPREAD**2 + end**2) / (SPREAD**2 + sigma**2)).sqrt()


def some(count=6, seed=0):
    return torch.randn(count, 1, 2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def at(*levels):
    return torch.tensor(levels, dtype=torch.float64)


# -- progressive distillation -----------------------------------------------------------------------------------------


def test_the_target_is_that_of_the_paper_in_its_own_coordinates():
    """Algorithm 2 for z = alpha image + s noise with alpha^2 + s^2 = 1, written out again."""
    sigma, middle, end = at(9.0, 2.0, 0.7), at(4.0, 0.5, 0.2), at(1.5, 0.1, 0.0)
    x = some(3) * 3
    (a, s), (a1, s1), (a2, s2) = (
        ((1 / (1 + level**2).sqrt())[:, None, None, None], (level / (1 + level**2).sqrt())[:, None, None, None])
        for level in (sigma, middle, end)
    )
    z = a * x
    seen = exact(z / a, sigma)
    z1 = a1 * seen + s1 / s * (z - a * seen)
    seen = exact(z1 / a1, middle)
    z2 = a2 * seen + s2 / s1 * (z1 - a1 * seen)
    expected = (z2 - s2 / s * z) / (a2 - s2 / s * a)
    torch.testing.assert_close(target(exact, x, sigma, middle, end), expected)


@pytest.mark.parametrize("levels", [[9.0, 4.0, 1.5], [0.7, 0.2, 0.0]])
def test_one_step_with_the_target_arrives_where_two_steps_of_the_teacher_do(levels):
    x = some() * levels[0]
    sigma, middle, end = (torch.full((6,), level, dtype=torch.float64) for level in levels)
    goal = target(exact, x, sigma, middle, end)
    twice = ddim(lambda x, sigma: exact(x, at(*[sigma] * 6)), x, levels, torch.Generator(), eta=0.0)
    once = ddim(lambda *_: goal, x, [levels[0], levels[2]], torch.Generator(), eta=0.0)
    torch.testing.assert_close(once, twice)
    assert (goal - exact(x, sigma)).abs().max() > 1e-3, "one step of the teacher is another"


def test_a_set_of_one_image_is_its_own_target():
    image = some(1, seed=3)
    found = target(lambda x, _: image.expand_as(x), some() * 5, at(*[5.0] * 6), at(*[2.0] * 6), at(*[1.0] * 6))
    torch.testing.assert_close(found, image.expand_as(found))


class Told(torch.nn.Module):
    """A network that tells what a function does; see `Form`."""

    def __init__(self, tell):
        super().__init__()
        self.tell = tell

    def forward(self, x, sigma, _):
        return self.tell(x, sigma)


class Form(Edm):
    """An EDM whose network tells the image itself."""

    def denoised(self, net, x, sigma, y):
        return net(x, sigma, y)


def taught(name, **options):
    """A student of a teacher that knows the normal distribution."""
    entry = {key.replace("-", "_"): value for key, value in defaults("generator", "edm").items() if key != "method"}
    teacher = Form(**entry)
    teacher.net = Told(exact)
    student = make(name, guidance=0.0, **options)
    student.learn_from(teacher)
    return student


def normal(count=400, seed=1):
    """Images of that distribution, noise, classes and draws."""
    draw = torch.Generator().manual_seed(seed)
    x, noise = (torch.randn(count, 1, 1, 1, generator=draw) for _ in range(2))
    return MEAN + SPREAD * x, noise, torch.zeros(count, dtype=torch.int64), draw


def test_the_loss_of_a_student_that_steps_twice_at_once_is_nothing():
    student = taught("progressive-distillation", visits=4, halvings=2)
    levels = torch.tensor(student.ladder())

    def twice(x, sigma):
        place = (levels[None] - sigma[:, None]).abs().argmin(1)
        return target(exact, x, sigma, levels[place + 1], levels[place + 2])

    assert len(levels) == 17
    assert float(student.loss(Told(twice), *normal())) == pytest.approx(0, abs=1e-10)
    assert float(student.loss(Told(exact), *normal())) > 1e-4
    student.round = 1  # four steps of the first teacher, though `twice` knows two
    assert float(student.loss(Told(twice), *normal())) > 1e-4


def test_weights_are_the_ratio_of_signal_to_noise_cut_off_or_with_one_more():
    """An error of 1 at each pixel; the levels that a student of one round visits are half of the teacher's."""
    for weighting, expected in (("truncated-snr", lambda r: max(r, 1)), ("snr+1", lambda r: r + 1)):
        student = taught("progressive-distillation", visits=8, halvings=1, weighting=weighting)
        levels = torch.tensor(student.ladder())

        def off(x, sigma, levels=levels):
            place = (levels[None] - sigma[:, None]).abs().argmin(1)
            return 1 + target(exact, x, sigma, levels[place + 1], levels[place + 2])

        loss = float(student.loss(Told(off), *normal(count=20_000)))
        visited = levels[:-1:2].tolist()
        assert loss == pytest.approx(sum(expected(1 / sigma**2) for sigma in visited) / 8, rel=0.05)


def test_a_student_visits_every_other_level_of_its_teacher():
    student = taught("progressive-distillation", visits=4, halvings=3)
    assert student.sigmas(99) == student.teacher.sigmas(32)[::8]
    ddpm = make("progressive-distillation", visits=8, halvings=3)
    ddpm.learn_from(make("ddpm", levels=40))
    with pytest.raises(MethodError, match="start from 64 steps, and the teacher has 40 levels; choose fewer halvings"):
        ddpm.sigmas(8)


# -- consistency distillation -----------------------------------------------------------------------------------------


def test_at_the_lowest_level_a_consistency_function_is_the_identity():
    skip, out = boundary(at(0.002, 80.0), 0.5, 0.002)
    assert (float(skip[0]), float(out[0])) == (1, 0)
    assert (float(skip[1]), float(out[1])) == pytest.approx((0.25 / (79.998**2 + 0.25), 0.5 * 79.998 / 6400.25**0.5))
    student, net = make("consistency-distillation"), UNet(1, 8, 3, 8)
    student.learn_from(make("edm", width=8))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(0))
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    y = torch.zeros(2, dtype=torch.int64)
    torch.testing.assert_close(student.denoised(net, x, torch.tensor([0.002, 0.002]), y), x)
    assert (student.denoised(net, x, torch.tensor([0.5, 0.5]), y) - x).abs().max() > 0.01


def test_the_function_is_made_of_the_network_as_the_paper_has_it():
    """Equation 5 with the coefficients of appendix C, F being what the network itself tells."""
    student = make("consistency-distillation")
    student.learn_from(make("edm"))
    x, sigma, told = some(3), at(0.01, 0.7, 40.0), some(3, seed=4).float()
    skip, out = (each[:, None, None, None] for each in boundary(sigma, 0.5, 0.002))
    found = student.denoised(lambda *_: told, x, sigma, torch.zeros(3, dtype=torch.int64))
    torch.testing.assert_close(found, skip * x + out * told)


def test_every_point_of_a_path_is_mapped_to_its_origin_by_the_exact_function_alone():
    sigma = at(80.0, 5.0, 0.3)
    end = torch.full_like(sigma, 0.002)
    x = some(3) * sigma[:, None, None, None]
    origin = flow(x, sigma, end)
    for level in (30.0, 2.0, 0.1):
        there = torch.full_like(sigma, level)
        torch.testing.assert_close(flow(flow(x, sigma, there), there, end), origin)
        assert (exact(flow(x, sigma, there), there) - origin).abs().max() > 0.02


def test_a_step_of_heun_follows_the_path_with_its_order():
    x, sigma = some() * 2, at(*[2.0] * 6)
    errors = []
    for step in (0.2, 0.1):
        end = sigma - step
        errors.append(float((heun_step(exact, x, sigma, end) - flow(x, sigma, end)).abs().max()))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(3, abs=0.2)


def test_the_loss_of_the_exact_function_is_the_error_of_the_solver():
    def function(x, sigma):
        """What a denoiser must tell for the consistency function to be exact."""
        sigma = sigma.double()
        skip, _, _ = preconditioning(sigma, 0.5)
        own, _ = boundary(sigma, 0.5, 0.002)
        share = 1 - 0.002 / sigma
        left, right = share[:, None, None, None], (own - share * skip)[:, None, None, None]
        wanted = flow(x, sigma, torch.full_like(sigma, 0.002))
        return torch.where(left > 0, (wanted - right * x) / left.clamp(min=1e-12), x)

    losses = [
        float(taught("consistency-distillation", levels=levels, distance="l2").loss(Told(function), *normal()))
        for levels in (18, 36)
    ]
    # The error of a step goes with the third power of its length, its square with the sixth.
    assert losses[0] < 1e-3
    assert math.log2(losses[0] / losses[1]) > 4
    assert float(taught("consistency-distillation", distance="l2").loss(Told(exact), *normal())) > 3 * losses[0]


def test_distances_of_a_case_worked_by_hand():
    made, goal = torch.zeros(1, 1, 1, 4), torch.tensor([3.0, 0, 0, -4]).reshape(1, 1, 1, 4)
    assert float(apart(made, goal, "l2")) == pytest.approx(25 / 4)
    assert float(apart(made, goal, "l1")) == pytest.approx(7 / 4)
    # sqrt(25 + c^2) - c with c = 0.00054 sqrt(4), over sqrt(4).
    assert float(apart(made, goal, "pseudo-huber")) == pytest.approx((math.sqrt(25 + 0.00108**2) - 0.00108) / 2)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_consistency_sampler_with_the_exact_function_reproduces_the_distribution(steps):
    entry = {**defaults("sampler", "consistency"), "steps": steps}
    sampling, draw = Sampling.of(REGISTRY, entry), torch.Generator().manual_seed(0)
    sigmas = taught("consistency-distillation").sigmas(steps)
    assert (len(sigmas), sigmas[0], sigmas[-1]) == (steps + 1, pytest.approx(80), 0)
    assert min(sigmas[:-1]) > 0.05, "at epsilon there is nothing to do"
    x = 80 * torch.randn(40_000, 1, 1, 1, generator=draw, dtype=torch.float64)

    def function(x, sigma, _):
        return flow(x, torch.full((1,), sigma), torch.full((1,), 0.002))

    made = sampling(function, x, sigmas, torch.zeros(40_000, dtype=torch.int64), 9, draw)
    assert (float(made.mean()), float(made.std())) == pytest.approx((MEAN, SPREAD), abs=0.01)
    assert sampling.evaluations == steps


# -- as generators ----------------------------------------------------------------------------------------------------


def trained(name, teacher=None, checkpoints=None, log=lambda *_, **__: None, **options):
    generator = make(name, **options)
    if teacher is not None:
        generator.learn_from(teacher)
    generator.fit(*halves(), 2, STREAMS, log, checkpoints or Kept())
    return generator


@pytest.fixture(scope="module")
def teachers():
    return {
        name: trained(name, steps=steps, width=8, batch=32, lr=0.01) for name, steps in (("edm", 150), ("ddpm", 120))
    }


@pytest.mark.parametrize(
    ("name", "teacher", "options", "right"),
    [
        # So short a training tells an EDM the class of three images of four.
        ("progressive-distillation", "edm", {"visits": 2, "halvings": 2, "steps": 30}, 0.7),
        ("progressive-distillation", "ddpm", {"visits": 2, "halvings": 2, "steps": 30}, 0.9),
        ("consistency-distillation", "edm", {"steps": 60}, 0.7),
    ],
)
def test_few_evaluations_make_the_images_of_each_class(teachers, name, teacher, options, right):
    student = trained(name, teachers[teacher], batch=16, lr=0.002, **options)
    asked, sampling = np.array([0, 1] * 30), []
    if name == "consistency-distillation":
        sampling = [Sampling.of(REGISTRY, {**defaults("sampler", "consistency"), "steps": 2})]
    made = student.sample(asked, STREAMS, halves(), *sampling)
    side = made[:, :, :4].mean((1, 2, 3)) - made[:, :, 4:].mean((1, 2, 3))
    assert (made.dtype, made.shape) == (np.uint8, (60, 8, 8, 1))
    assert ((side < 0) == asked).mean() >= right
    assert np.median(np.abs(side)) > 150
    assert (sampling[0] if sampling else student).evaluations == 2


@pytest.mark.parametrize("stop", [2, 6, 8, 11])
@pytest.mark.parametrize("name", METHODS)
def test_a_distillation_that_was_cut_off_ends_with_the_same_weights(teachers, name, stop):
    options = {"batch": 4, "steps": 12} if name == METHODS[1] else {"batch": 4, "steps": 6, "halvings": 2}
    run = partial(trained, name, teachers["edm"], **options)
    whole, checkpoints = run().state(), Kept(due_at=stop)
    with pytest.raises(KeyboardInterrupt):
        run(checkpoints)
    resumed = run(checkpoints).state()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_curves_go_on_from_student_to_student(teachers):
    seen = []
    trained(METHODS[0], teachers["edm"], batch=4, steps=3, log=lambda step, **_: seen.append(step))
    assert seen == [3, 6, 9]


@pytest.mark.parametrize("name", METHODS)
def test_weights_move_to_an_instance_behind_an_untrained_teacher(teachers, name):
    student, other = trained(name, teachers["edm"], steps=2, batch=4), make(name)
    other.learn_from(make("edm", width=8))
    other.restore(student.state(), (8, 8, 1), 2)
    asked = np.array([1, 0])
    entry = {**defaults("sampler", "consistency"), "steps": 1}
    sampling = [] if name == METHODS[0] else [Sampling.of(REGISTRY, entry)]
    made, again = (each.sample(asked, STREAMS, halves(), *sampling) for each in (student, other))
    assert (made == again).all()


@pytest.mark.parametrize("name", METHODS)
def test_without_a_trained_teacher_nothing_is_learnt(name):
    with pytest.raises(MethodError, match="call learn_from with its teacher first"):
        trained(name)
    with pytest.raises(MethodError, match="its teacher, of method edm, has learnt nothing"):
        trained(name, make("edm", width=8))


def test_guidance_of_the_teacher_is_part_of_what_is_shown(teachers):
    student = make(METHODS[1])
    student.learn_from(teachers["edm"])
    x, sigma = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([0.5, 3.0])
    y, none = torch.tensor([0, 1]), torch.tensor([2, 2])
    with torch.no_grad():
        own, free = (teachers["edm"].denoised(teachers["edm"].net, x, sigma, each) for each in (y, none))
        torch.testing.assert_close(student.shown(x, sigma, y, 0.0), own)
        torch.testing.assert_close(student.shown(x, sigma, y, 2.0), 3 * own - 2 * free)
