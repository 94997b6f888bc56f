import math

import pytest
import torch
from assay.study.registry import bind
from assay.train.recipe import cosine, groups
from torch import nn


def test_cosine_warms_up_and_ends_at_zero():
    rate = cosine(110, 10)
    assert [rate(step) for step in range(10)] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rate(10) == 1
    assert rate(60) == pytest.approx(0.5)
    assert rate(35) == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert rate(110) == pytest.approx(0)
    assert all(cosine(5, 0)(step) > 0 for step in range(5))
    assert cosine(3, 9)(2) == 1, "a warm-up longer than the run fills it"


def test_only_kernels_and_matrices_decay():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 3))
    model[3].weight.requires_grad_(False)
    decayed, rest = groups(model, 0.1)
    assert [parameter.ndim for parameter in decayed["params"]] == [4]
    assert decayed["weight_decay"] == 0.1
    assert len(rest["params"]) == 4
    assert rest["weight_decay"] == 0


def follow(recipe, parameter, steps):
    """The gradient of |w|^2 / 2 is w."""
    base = [group["lr"] for group in recipe.optimizer.param_groups]
    path = []
    for step in range(steps):
        for group, lr in zip(recipe.optimizer.param_groups, base, strict=True):
            group["lr"] = lr * recipe.rate(step)
        parameter.grad = parameter.detach().clone()
        recipe.optimizer.step()
        path.append(parameter.detach().clone())
    return path


class Weight(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[4.0, -2.0]]))


def test_sgd_is_nesterov_with_decay(registry, entry):
    model = Weight()
    what = entry("recipe", "sgd", epochs=10, lr=0.1, momentum=0.8, weight_decay=0.05, warmup=2.0)
    path = follow(bind(registry, "recipe", what)(model, 50), model.weight, 30)
    w, v = torch.tensor([[4.0, -2.0]]).double(), 0.0
    rate = cosine(50, 10)
    for step in range(30):
        gradient = w + 0.05 * w
        v = gradient if step == 0 else 0.8 * v + gradient
        w = w - 0.1 * rate(step) * (gradient + 0.8 * v)
        torch.testing.assert_close(path[step].double(), w, rtol=1e-4, atol=1e-6)


def test_adamw_decays_apart_from_the_gradient(registry, entry):
    model = Weight()
    what = entry("recipe", "adamw", epochs=10, lr=0.1, weight_decay=0.3, beta1=0.7, beta2=0.9, warmup=0.0)
    path = follow(bind(registry, "recipe", what)(model, 50), model.weight, 20)
    w, m, v = torch.tensor([[4.0, -2.0]]).double(), 0.0, 0.0
    rate = cosine(50, 0)
    for step in range(20):
        lr = 0.1 * rate(step)
        m, v = 0.7 * m + 0.3 * w, 0.9 * v + 0.1 * w**2
        corrected = (m / (1 - 0.7 ** (step + 1))) / ((v / (1 - 0.9 ** (step + 1))).sqrt() + 1e-8)
        w = w - lr * 0.3 * w - lr * corrected
        torch.testing.assert_close(path[step].double(), w, rtol=1e-4, atol=1e-6)


def test_plain_sgd_without_momentum(registry, entry):
    model = Weight()
    what = entry("recipe", "sgd", momentum=0.0, weight_decay=0.0, warmup=0.0, epochs=1, lr=0.5, clip=2.0)
    recipe = bind(registry, "recipe", what)(model, 4)
    assert recipe.clip == 2.0
    torch.testing.assert_close(follow(recipe, model.weight, 1)[0], torch.tensor([[2.0, -1.0]]))
