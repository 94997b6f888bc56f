"""Attacks against closed forms on linear models, and against torchattacks."""

import numpy as np
import pytest
import torch
import torchattacks
from assay.augment.draw import Draw, keys
from assay.errors import MethodError
from assay.evaluate.adversarial.autoattack import autoattack
from assay.evaluate.adversarial.budget import Budget, budget, lengths, steepest
from assay.evaluate.adversarial.fgsm import fgsm
from assay.evaluate.adversarial.noise import noise
from assay.evaluate.adversarial.pgd import pgd
from assay.evaluate.result import UndefinedError
from assay.study.checks_evaluate import is_budget
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import Linear, convolutional, pictures

SIDE = 6
IDS = keys([f"i{number}" for number in range(64)])


def draw(count=64, seed=1):
    return Draw(seed, 0, IDS[:count])


def two_classes(seed=0, count=64):
    """A linear model of two classes, and images far from black and white with the model's own labels."""
    rng = torch.Generator().manual_seed(seed)
    weight = torch.randn(2, SIDE * SIDE, generator=rng)
    images = 0.5 + 0.2 * (torch.rand(count, 1, SIDE, SIDE, generator=rng) - 0.5)
    flat = images.flatten(1)
    bias = -(flat @ weight.T).mean(0)
    model = Linear(weight, bias, 1)
    with torch.no_grad():
        logits = model(images)
    return model, images, logits.argmax(1), (logits[:, 0] - logits[:, 1]).abs(), weight[0] - weight[1]


def still_right(model, images, labels):
    with torch.no_grad():
        return model(images).argmax(1) == labels


def gradient_attacks():
    return {
        "fgsm": fgsm,
        "pgd": lambda *given: pgd(*given, steps=20, step=None, random_start=True, restarts=1),
        "pgd-plain": lambda *given: pgd(*given, steps=5, step=0.5, random_start=False, restarts=1),
    }


@pytest.mark.parametrize("name", gradient_attacks())
@pytest.mark.parametrize("size", [0.004, 0.008, 0.015])
def test_on_a_linear_model_what_resists_is_what_the_margin_says(name, size):
    model, images, labels, margin, weight = two_classes()
    for ball, norm in ((Budget("", "linf", size), weight.abs().sum()), (Budget("", "l2", 3 * size), weight.norm())):
        made = gradient_attacks()[name](model, images, labels, ball, draw())
        assert ball.holds(made, images)
        expected = margin > ball.size * norm
        assert 0 < expected.sum() < 64
        clear = (margin - ball.size * norm).abs() > 0.02 * ball.size * norm
        assert torch.equal(still_right(model, made, labels)[clear], expected[clear])


def test_the_standard_autoattack_agrees_with_the_margin_too():
    model, images, labels, *_ = two_classes()
    # Two more classes that are never near, since the targeted loss needs four.
    weight = torch.cat([model.head.weight, torch.zeros(2, SIDE * SIDE)]).detach()
    wide = Linear(weight, torch.cat([model.head.bias, torch.tensor([-50.0, -50.0])]).detach(), 1)
    difference = weight[0] - weight[1]
    with torch.no_grad():
        logits = model(images)
    margin = (logits[:, 0] - logits[:, 1]).abs()
    for ball, norm in (
        (Budget("", "linf", 0.008), difference.abs().sum()),
        (Budget("", "l2", 0.03), difference.norm()),
    ):
        options = {"steps": 20, "queries": 20, "parts": ["apgd-ce", "apgd-t", "fab-t", "square"]}
        state = torch.random.get_rng_state()
        made = autoattack(wide, images, labels, ball, draw(), **options)
        assert torch.equal(torch.random.get_rng_state(), state)
        assert ball.holds(made, images)
        assert 0 < (margin > ball.size * norm).sum() < 64
        clear = (margin - ball.size * norm).abs() > 0.02 * ball.size * norm
        assert torch.equal(still_right(wide, made, labels)[clear], (margin > ball.size * norm)[clear])
    with pytest.raises(UndefinedError, match="four classes"):
        autoattack(model, images, labels, Budget("", "linf", 0.03), draw(), **options)


@pytest.fixture(scope="module")
def network():
    split = pictures(64)
    images = torch.from_numpy(split.images).permute(0, 3, 1, 2).contiguous().float() / 255
    return convolutional(split), images, torch.from_numpy(split.labels)


def test_torchattacks_makes_the_same_images(network):
    model, images, labels = network
    size = 8 / 255
    ours = fgsm(model, images, labels, Budget("", "linf", size), draw())
    assert torch.allclose(ours, torchattacks.FGSM(model, eps=size)(images, labels), atol=1e-6)
    ours = pgd(
        model, images, labels, Budget("", "linf", size), draw(), steps=7, step=0.25, random_start=False, restarts=1
    )
    theirs = torchattacks.PGD(model, eps=size, alpha=size / 4, steps=7, random_start=False)(images, labels)
    assert torch.allclose(ours, theirs, atol=1e-5)
    ours = pgd(model, images, labels, Budget("", "l2", 0.5), draw(), steps=7, step=0.25, random_start=False, restarts=1)
    theirs = torchattacks.PGDL2(model, eps=0.5, alpha=0.125, steps=7, random_start=False)(images, labels)
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_stronger_attacks_leave_less(network):
    model, images, labels = network
    ball = Budget("", "linf", 12 / 255)

    def left(made):
        return int(still_right(model, made, labels).sum())

    clean = left(images)
    random = left(noise(model, images, labels, ball, draw(), tries=5))
    many = left(pgd(model, images, labels, ball, draw(), steps=20, step=None, random_start=True, restarts=3))
    one = left(pgd(model, images, labels, ball, draw(), steps=20, step=None, random_start=True, restarts=1))
    assert many <= one < random <= clean


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_numbers_belong_to_the_image(network, norm):
    model, images, labels = network
    ball = Budget("", norm, 0.3)
    for attack in (
        lambda *given: pgd(*given, steps=2, step=None, random_start=True, restarts=2),
        lambda *given: noise(*given, tries=2),
    ):
        whole = attack(model, images, labels, ball, draw())
        part = attack(model, images[5:9], labels[5:9], ball, Draw(1, 0, IDS[5:9]))
        assert torch.allclose(whole[5:9], part, atol=1e-6)
        assert ball.holds(whole, images)


def test_a_random_start_is_uniform_in_the_ball(network):
    model, images, labels = network
    grey = torch.full_like(images, 0.5)
    made = pgd(model, grey, labels, Budget("", "linf", 0.1), draw(), steps=1, step=1e-9, random_start=True, restarts=1)
    away = made - grey
    right = still_right(model, grey, labels)  # an image that is wrong already is left as it is
    away = away[right]
    assert away.abs().max() <= 0.1 + 1e-6
    assert away.std().item() == pytest.approx(0.1 / 3**0.5, rel=0.05)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["linf", "l2"]), st.floats(0.01, 2.0), st.integers(0, 1000))
def test_projections_end_inside_and_leave_what_is_inside(norm, size, seed):
    rng = torch.Generator().manual_seed(seed)
    centres = torch.rand(5, 3, 4, 4, generator=rng)
    far = centres + torch.randn(5, 3, 4, 4, generator=rng)
    ball = Budget("", norm, size)
    made = ball.project(far, centres)
    assert ball.holds(made, centres)
    assert torch.allclose(ball.project(made, centres), made, atol=1e-5)
    assert not Budget("", norm, 1e-4).holds(centres + 0.01, centres)
    length = steepest(far, "l2")
    assert torch.allclose(lengths(length), torch.ones(5, 1, 1, 1), atol=1e-5)


def test_budgets_are_read_as_papers_write_them():
    assert budget("linf-8/255") == Budget("linf-8/255", "linf", 8 / 255)
    assert budget("l2-0.5").size == 0.5
    assert budget("linf-1").size == 1
    for wrong in ("linf", "l1-0.5", "linf-0", "linf-x", "linf-8/0", "l2--1", "0.5", "linf-inf"):
        assert not is_budget(wrong)
        with pytest.raises(MethodError, match="linf-8/255"):
            budget(wrong)
    assert all(is_budget(text) for text in ("linf-8/255", "l2-0.5", "linf-1", "l2-.5"))
    assert not np.isnan(budget("l2-.5").size)
