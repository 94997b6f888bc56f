"""The maximal update parametrisation: table 3 by hand, coordinate checks, transfer, and its limit at the base width."""

import math

import pytest
import torch
from assay.errors import MethodError
from assay.models.classifier import build
from assay.study.registry import bind
from assay.train.job import train
from assay.train.mup import Growth, at_base, growth, spread, transfer
from assay.train.optimisers.lion import Lion
from sklearn.datasets import load_digits
from torch import nn

BASE = 16


@pytest.fixture(scope="module")
def made(registry, entry):
    """`made(model, recipe, wide, mup)`: a network with initial weights, and the optimiser that trains it."""

    def make(wide, recipe="sgd", mup=True, model="mlp", option="hidden", seed=0, **options):
        def draw(value):
            what = entry("model", model, **{option: value}, **({"layers": 3} if model == "mlp" else {}))
            return build(registry, what, 1, 10, 8, torch.Generator().manual_seed(seed))

        network = draw(wide)
        grown = spread(network, draw(BASE)) if mup else {}
        what = {"epochs": 1, "warmup": 0.0, "weight_decay": 0.0, **options}
        optimizer = bind(registry, "recipe", entry("recipe", recipe, **what))(network, 10).optimizer
        if mup:
            transfer(optimizer, grown)
        return network, optimizer

    return make


def rates(network, optimizer):
    found = {id(p): (g["lr"], g["weight_decay"]) for g in optimizer.param_groups for p in g["params"]}
    return {name: found[id(p)] for name, p in network.named_parameters()}


# Four times as wide: what table 3 has for learning rates of input weights, hidden weights, output weights and biases.
TABLE_3 = {"sgd": (4, 1, 1 / 4, 4), "adamw": (1, 1 / 4, 1 / 4, 1)}


@pytest.mark.parametrize("recipe", TABLE_3)
def test_learning_rates_of_table_3(made, recipe):
    found = rates(*made(4 * BASE, recipe, lr=0.1, weight_decay=0.01))
    first, hidden, last, vector = TABLE_3[recipe]
    for layer, factor in {"backbone.1": first, "backbone.3": hidden, "backbone.5": hidden, "head": last}.items():
        rate, decay = found[f"{layer}.weight"]
        assert rate == pytest.approx(0.1 * factor)
        assert rate * decay == pytest.approx(0.1 * 0.01)  # what a step takes from the weights
    for layer in ("backbone.1", "backbone.3", "backbone.5"):
        assert found[f"{layer}.bias"] == (pytest.approx(0.1 * vector), 0)
    assert found["head.bias"] == (0.1, 0)


def test_initial_deviations_of_table_3(made):
    (narrow, _), (wide, _) = made(BASE), made(4 * BASE)
    before, after = dict(narrow.named_parameters()), dict(wide.named_parameters())

    def ratio(name):
        return (after[name].square().mean() / before[name].square().mean()).sqrt().item()

    # Deviations: that of input weights and biases stays, the variance of hidden ones falls as 1 / fan-in, and that of
    # output weights as its square.
    assert ratio("backbone.1.weight") == pytest.approx(1, rel=1e-4)
    assert ratio("backbone.3.weight") == pytest.approx(1 / 2, rel=1e-4)
    assert ratio("head.weight") == pytest.approx(1 / 4, rel=1e-4)
    assert ratio("backbone.3.bias") == pytest.approx(1, rel=1e-4)


def test_convolutions_count_their_channels(made):
    """Resnet8 draws convolutions by fan-out; the first has as many inputs at any width, so its deviation stays."""
    (narrow, _), (wide, optimizer) = (made(width, model="resnet8", option="width", lr=1.0) for width in (BASE, 32))
    found = rates(wide, optimizer)
    first, hidden = "backbone.0.weight", "backbone.3.conv1.weight"
    assert [found[name][0] for name in (first, hidden, "head.weight", "backbone.1.weight")] == [2, 1, 0.5, 2]
    before, after = dict(narrow.named_parameters()), dict(wide.named_parameters())
    for name, factor in ((first, 1), (hidden, 2**-0.5), ("head.weight", 0.5)):
        rms = after[name].square().mean().sqrt() / before[name].square().mean().sqrt()
        assert rms.item() == pytest.approx(factor, rel=1e-4)
    assert (after["backbone.1.weight"] == 1).all()
    assert not after["backbone.1.bias"].any()


@pytest.fixture(scope="module")
def digits():
    """128 digits `[B,1,8,8]` with the mean 0, and their classes."""
    images, labels = load_digits(return_X_y=True)
    x = torch.from_numpy(images[:128]).float().reshape(-1, 1, 8, 8) / 16
    return x - x.mean(), torch.from_numpy(labels[:128])


def learn(network, optimizer, x, y, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), y).backward()
        optimizer.step()


def moved(made, x, width, recipe, mup, lr):
    """How far hidden activations and logits have moved after four steps towards one class: root mean squares."""
    total = torch.zeros(2)
    for seed in range(2):
        network, optimizer = made(width, recipe, mup, lr=lr, seed=seed)
        before = network.features(x).detach(), network(x).detach()
        learn(network, optimizer, x, torch.zeros(len(x), dtype=torch.long), 4)
        after = network.features(x).detach(), network(x).detach()
        total += torch.stack([(a - b).square().mean().sqrt() for a, b in zip(after, before, strict=True)])
    return total


@pytest.mark.parametrize(("recipe", "lr", "grows"), [("sgd", 0.1, 3), ("adamw", 0.001, 20)])
def test_coordinate_check(made, digits, recipe, lr, grows):
    """What a few steps change is of one size at any width under mup, and grows with width without it."""
    x, _ = digits
    reference = moved(made, x, 4 * BASE, recipe, True, lr)
    for width in (16 * BASE, 64 * BASE):
        ratio = moved(made, x, width, recipe, True, lr) / reference
        assert 0.8 < ratio.min() <= ratio.max() < 1.25, (width, ratio)
    standard = [moved(made, x, width, recipe, False, lr) for width in (4 * BASE, 64 * BASE)]
    assert (standard[1] / standard[0]).max() > grows


def losses(made, digits, mup, width, rates):
    """The loss after 20 steps of Adam by learning rate; the mean of two networks."""
    found = []
    for lr in rates:
        total = 0.0
        for seed in range(2):
            network, optimizer = made(width, "adamw", mup, lr=lr, seed=seed)
            learn(network, optimizer, *digits, 20)
            total += nn.functional.cross_entropy(network(digits[0]), digits[1]).item() / 2
        found.append(total)
    return found


def test_the_best_learning_rate_transfers(made, digits):
    """The rate that is best at the base width is good at sixteen times that; a standard network wants a fourth."""
    rates = [2.0**-power for power in range(8, 2, -1)]
    narrow, wide = (losses(made, digits, True, width, rates) for width in (BASE, 16 * BASE))
    standard = losses(made, digits, False, 16 * BASE, rates)
    best = narrow.index(min(narrow))
    assert wide[best] < narrow[best] < standard[best]
    assert abs(wide.index(min(wide)) - best) <= 1
    assert best - standard.index(min(standard)) >= 2


def test_at_the_base_width_it_is_the_standard_run(registry, entry, toy, spec, memory):
    def weights(**changes):
        what = spec(model=entry("model", "tiny-cnn", width=4))
        return train(what | changes, registry, toy, log=memory().log, checkpoints=memory()).state_dict()

    plain = weights()
    same, other = (weights(mup={"option": "width", "base-width": base}) for base in (4, 2))
    assert all(torch.equal(value, plain[name]) for name, value in same.items())
    assert not torch.equal(other["head.weight"], plain["head.weight"])


def test_it_resumes_to_the_bit(registry, entry, toy, spec, memory):
    what = spec(model=entry("model", "tiny-cnn", width=4), recipe=entry("recipe", "adamw", epochs=2, batch=16))
    what |= {"mup": {"option": "width", "base-width": 2}}

    def run(kept):
        return train(what, registry, toy, log=kept.log, checkpoints=kept).state_dict()

    whole, parts = run(memory()), memory(every=1).through(run, [2, 3])
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())


def test_what_it_cannot_scale(registry, entry):
    with pytest.raises(MethodError, match="linear has no option width"):
        at_base(entry("model", "linear"), {"option": "width", "base-width": 2})
    with pytest.raises(MethodError, match="other layers"):
        growth(nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    with pytest.raises(MethodError, match="not those of Lion"):
        Growth(2, 2).rate(Lion([nn.Parameter(torch.ones(1))], lr=1.0))


def test_every_recipe_that_says_so_moves_weights_as_sgd_or_adam_do(registry, entry):
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    model = nn.Sequential(nn.Linear(2, 2))
    found = {name: registry.card("recipe", name).optimiser for name in registry.names("recipe")}
    assert {name for name, kind in found.items() if kind} == {"sgd", "sgdr", "onecycle", "resnet-rs", "adamw"}
    for name, kind in found.items():
        if kind:
            optimizer = bind(registry, "recipe", entry("recipe", name))(model, 100).optimizer
            assert isinstance(optimizer, kinds[kind])
            assert math.isfinite(Growth(2, 2).rate(optimizer))
