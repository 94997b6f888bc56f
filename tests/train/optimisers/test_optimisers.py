import math

import pytest
import pytorch_optimizer
import schedulefree
import torch
from assay.train.checkpoint import optimizer_state, restore_optimizer
from assay.train.optimisers.innaprop import InnaProp
from assay.train.optimisers.lion import Lion
from assay.train.optimisers.lookahead import Lookahead
from assay.train.optimisers.muon import Muon, orthogonal
from assay.train.optimisers.sam import ascent
from assay.train.optimisers.schedule_free import Iterates, ScheduleFree
from assay.train.optimisers.sgld import Sgld
from torch import nn

STEPS = 20


def net():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.GELU(), nn.Flatten(), nn.Linear(36, 5))


def loss_of(model, step):
    torch.manual_seed(100 + step)
    return nn.functional.cross_entropy(model(torch.randn(16, 1, 5, 5)), torch.randint(0, 5, (16,)))


def run(model, optimizer, steps=range(STEPS)):
    for step in steps:
        optimizer.zero_grad()
        loss_of(model, step).backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in model.parameters()]


def close(ours, theirs, **tolerance):
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, **(tolerance or {"rtol": 1e-4, "atol": 1e-5}))


def test_lion_is_that_of_pytorch_optimizer():
    model, other = net(), net()
    theirs = pytorch_optimizer.Lion(other.parameters(), lr=1e-3, betas=(0.8, 0.95), weight_decay=0.2)
    # Signs of gradients that are zero but for rounding may differ, so biases before normalisation are left out.
    ours = run(model, Lion(model.parameters(), lr=1e-3, betas=(0.8, 0.95), weight_decay=0.2))
    expected = run(other, theirs)
    close(ours[:1] + ours[2:], expected[:1] + expected[2:])


def test_muon_is_that_of_pytorch_optimizer(monkeypatch):
    from pytorch_optimizer.optimizer.muon import base
    from pytorch_optimizer.optimizer.utils.matrix import zero_power_via_newton_schulz_5

    def single(*args, **kwargs):
        return zero_power_via_newton_schulz_5(*args, **kwargs, dtype=torch.float32)

    monkeypatch.setattr(base, "zero_power_via_newton_schulz_5", single)

    def split(model, flag):
        parameters = list(model.parameters())
        matrices = {"params": [p for p in parameters if p.ndim > 1], "lr": 0.02, "weight_decay": 0.1, flag: True}
        rest = {"params": [p for p in parameters if p.ndim == 1], "lr": 1e-3, "weight_decay": 0.0, flag: False}
        return [matrices, rest]

    model, other = net(), net()
    theirs = pytorch_optimizer.Muon(split(other, "use_muon"), momentum=0.9, adamw_betas=(0.8, 0.9), adamw_eps=1e-8)
    ours = run(model, Muon(split(model, "matrices"), momentum=0.9, betas=(0.8, 0.9)))
    expected = run(other, theirs)
    close(ours[:1] + ours[2:], expected[:1] + expected[2:], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", [(6, 6), (9, 4), (4, 9)])
def test_orthogonal_keeps_singular_vectors_and_levels_values(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, values, v = torch.linalg.svd(matrix, full_matrices=False)
    # Each singular value goes its own way: the quintic, five times, from its share of the Frobenius norm.
    values = values / values.norm()
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    torch.testing.assert_close(orthogonal(matrix[None])[0], u @ values.diag() @ v, rtol=1e-3, atol=1e-3)
    assert 0.3 < values.min() <= values.max() < 1.4


def test_schedule_free_is_that_of_its_authors():
    model, other = net(), net()
    ours = ScheduleFree(model.parameters(), lr=0.01, betas=(0.9, 0.99), weight_decay=0.1)
    options = {"lr": 0.01, "betas": (0.9, 0.99), "weight_decay": 0.1, "warmup_steps": 5}
    theirs = schedulefree.AdamWScheduleFree(other.parameters(), **options)
    theirs.train()
    for step in range(STEPS):
        ours.param_groups[0]["lr"] = 0.01 * min(1, (step + 1) / 5)
        y, expected = run(model, ours, [step]), run(other, theirs, [step])
        close(y[:1] + y[2:], expected[:1] + expected[2:])
    theirs.eval()
    x = Iterates(model, ours).weights()
    for name, parameter in other.named_parameters():
        if name != "0.bias":
            torch.testing.assert_close(x[name], parameter.detach(), rtol=1e-3, atol=1e-5)


def test_schedule_free_hands_on_the_weighted_mean_of_its_steps():
    model = nn.Linear(1, 1, bias=False)
    optimizer = ScheduleFree(model.parameters(), lr=1.0, betas=(0.7, 0.9))
    mean = total = 0.0
    for step in range(12):
        lr = optimizer.param_groups[0]["lr"] = 0.01 * (step + 1)
        model.weight.grad = model.weight.detach() - 3
        optimizer.step()
        mean, total = mean + lr**2 * optimizer.state[model.weight]["z"].item(), total + lr**2
        assert Iterates(model, optimizer).weights()["weight"].item() == pytest.approx(mean / total, rel=1e-5)


def test_innaprop_equals_its_form_with_two_positions():
    """The recursion in theta and psi, of which the momentum form is a rewriting (constant learning rate)."""
    lr, a, b, s = 0.02, 0.3, 0.8, 0.9
    weight = nn.Parameter(torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64))
    optimizer = InnaProp([weight], lr=lr, alpha=a, beta=b, sigma=s)
    theta = weight.detach().clone()
    psi, v = (1 - a * b) * theta, torch.zeros_like(theta)
    for step in range(1, STEPS + 1):
        weight.grad = weight.detach().sin()
        optimizer.step()
        g = theta.sin()
        v = s * v + (1 - s) * g**2
        u = g / ((v / (1 - s**step)).sqrt() + 1e-8)
        psi = (1 - lr / b) * psi + lr * (1 / b - a) * theta
        theta = (1 + lr * (1 - a * b) / (b - lr)) * theta - lr / (b - lr) * psi - lr * b * u
        torch.testing.assert_close(weight.detach(), theta, rtol=1e-9, atol=1e-9)


def test_innaprop_without_inertia_is_rmsprop():
    model, other = net(), net()
    ours = run(model, InnaProp(model.parameters(), lr=0.01, alpha=1.0, beta=1.0, sigma=0.9, weight_decay=0.1))
    theirs = run(other, torch.optim.AdamW(other.parameters(), lr=0.01, betas=(0.0, 0.9), weight_decay=0.1))
    close(ours[:1] + ours[2:], theirs[:1] + theirs[2:], rtol=1e-3, atol=1e-4)


def test_sgld_samples_the_posterior_of_a_gaussian():
    """Under the loss w^2 / 2 the chain is autoregressive: its variance settles at T / (1 - lr / 2)."""
    lr, temperature = 0.2, 0.01
    weight = nn.Parameter(torch.zeros(200_000))
    optimizer = Sgld([weight], lr=lr, temperature=temperature)
    optimizer.seed(5)
    for _ in range(40):
        weight.grad = weight.detach().clone()
        optimizer.step()
    assert weight.var().item() == pytest.approx(temperature / (1 - lr / 2), rel=0.01)
    assert abs(weight.mean().item()) < 5 * math.sqrt(temperature / len(weight))


def test_sgld_without_temperature_is_gradient_descent():
    model, other = net(), net()
    ours = run(model, Sgld(model.parameters(), lr=0.1, temperature=0.0, weight_decay=0.01))
    close(ours, run(other, torch.optim.SGD(other.parameters(), lr=0.1, weight_decay=0.01)))


def test_sgld_draws_anew_each_step_and_by_its_seed():
    def path(seed):
        weight = nn.Parameter(torch.zeros(4))
        optimizer = Sgld([weight], lr=0.1, temperature=1.0)
        optimizer.seed(seed)
        moves = []
        for _ in range(2):
            before = weight.detach().clone()
            weight.grad = torch.zeros(4)
            optimizer.step()
            moves.append(weight.detach() - before)
        return moves

    one, other = path(1), path(2)
    assert torch.equal(one[0], path(1)[0])
    assert not torch.allclose(one[0], one[1])
    assert not torch.allclose(one[0], other[0])


def test_sam_is_that_of_pytorch_optimizer():
    model, other = net(), net()
    base = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    theirs = pytorch_optimizer.SAM(other.parameters(), torch.optim.SGD, lr=0.1, momentum=0.9, rho=0.2)
    for step in range(STEPS):
        base.zero_grad()
        loss_of(model, step).backward()
        with ascent(model, 0.2):
            base.zero_grad()
            loss_of(model, step).backward()
        base.step()
        theirs.zero_grad()
        loss_of(other, step).backward()
        theirs.first_step(zero_grad=True)
        loss_of(other, step).backward()
        theirs.second_step(zero_grad=True)
    close(model.parameters(), other.parameters(), rtol=1e-3, atol=1e-5)


def test_sam_leaves_weights_and_statistics_where_they_were():
    model = net()
    loss_of(model, 0).backward()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with ascent(model, 0.5):
        moved = torch.cat([(p - before[name]).flatten() for name, p in model.named_parameters()])
        assert moved.norm().item() == pytest.approx(0.5, rel=1e-5)
        loss_of(model, 1)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_lookahead_pulls_the_weights_back():
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    average = Lookahead(model, 10, decay=0.9, every=2)
    assert average.weights() == {}
    slow = 0.0
    for done in range(1, 11):
        with torch.no_grad():
            model.weight += 1.0
        weight = model.weight.item()
        average.step(done)
        if done % 2 == 0:
            share = 0.9**2 * (done / 10) ** 3
            slow = share * slow + (1 - share) * weight
            assert model.weight.item() == pytest.approx(slow, rel=1e-5)
        else:
            assert model.weight.item() == weight
    assert average.weights()["weight"].item() == pytest.approx(slow, rel=1e-5)


OPTIMISERS = {
    "lion": lambda p: Lion(p, lr=1e-3),
    "muon": lambda p: Muon([{"params": [q], "matrices": q.ndim > 1, "lr": 0.01} for q in p], 0.9, (0.9, 0.99)),
    "schedule-free": lambda p: ScheduleFree(p, lr=0.01, betas=(0.9, 0.99), weight_decay=0.1),
    "sgld": lambda p: Sgld(p, lr=0.1, temperature=0.01),
    "innaprop": lambda p: InnaProp(p, lr=0.01, alpha=0.1, beta=0.9, sigma=0.99),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_state_comes_back_from_a_checkpoint(name):
    model = net()
    optimizer = OPTIMISERS[name](list(model.parameters()))
    run(model, optimizer, range(4))
    other = net()
    other.load_state_dict(model.state_dict())
    again = OPTIMISERS[name](list(other.parameters()))
    restore_optimizer(again, optimizer_state(optimizer))
    expected = run(model, optimizer, range(4, 9))
    assert all(torch.equal(*pair) for pair in zip(run(other, again, range(4, 9)), expected, strict=True))
