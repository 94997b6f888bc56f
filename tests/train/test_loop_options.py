"""What the loop does for every recipe: averages, early stopping, accumulation, norm loss, and resuming it all."""

import dataclasses

import numpy as np
import pytest
import torch
from assay.data.dataset import Dataset
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import scan
from assay.train.average import Ema, Swa, handed_on
from assay.train.best import Best
from assay.train.job import train
from assay.train.loop import fit
from assay.train.norm_loss import add_norm_loss
from assay.train.order import Order
from assay.train.recipe import Recipe
from assay.train.statistics import batch_statistics
from torch import nn

RECIPES = scan().names("recipe")


def run(spec, registry, toy, record, **inputs):
    return train(spec, registry, toy, log=record.log, checkpoints=record, **inputs)


def same(one, other):
    one, other = one.state_dict(), other.state_dict()
    return all(torch.equal(one[name], other[name]) for name in one)


def point():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    return model


def walk(model, average, values):
    for done, value in enumerate(values, start=1):
        nn.init.constant_(model.weight, value)
        average.step(done)


def test_ema_is_the_weighted_mean_of_what_it_saw():
    values, decay = [3.0, -1.0, 4.0, 1.0, 5.0], 0.8
    model = point()
    average = Ema(model, decay)
    assert average.weights() == {}
    walk(model, average, values)
    weights = decay ** np.arange(len(values))[::-1]
    expected = (weights * values).sum() / weights.sum()
    assert average.weights()["weight"].item() == pytest.approx(expected, rel=1e-6)


def test_swa_is_the_mean_of_snapshots():
    model = point()
    average = Swa(model, begin=4, every=2)
    walk(model, average, [9.0] * 4)
    assert average.weights() == {}
    walk_values = [9.0] * 5 + [1.0, 9.0, 2.0, 9.0, 6.0]
    walk(model, average, walk_values)
    assert average.weights()["weight"].item() == pytest.approx((1 + 2 + 6) / 3)


def test_handing_on_leaves_the_models_own_bits():
    model = nn.BatchNorm1d(2)
    nn.init.normal_(model.weight)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with handed_on(model, {"weight": torch.ones(2)}):
        assert torch.equal(model.weight, torch.ones(2))
        model.running_mean.fill_(7)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_best_keeps_the_lowest_and_stops():
    model, best = point(), Best(patience=2)
    for epoch, loss in enumerate([3.0, 2.0, 2.0, float("nan")], start=1):
        assert not best.stops(epoch - 1) or epoch == 5
        nn.init.constant_(model.weight, epoch)
        best.see(epoch, loss, model)
    assert best.weights["weight"].item() == 2
    assert best.stops(4)
    assert not best.stops(3)


def test_norm_loss_adds_the_gradient_of_its_formula():
    weight = nn.Parameter(torch.randn(4, 3, 2, 2, dtype=torch.float64))
    bias = nn.Parameter(torch.randn(4, dtype=torch.float64))
    weight.grad, bias.grad = torch.ones_like(weight), torch.ones_like(bias)
    add_norm_loss([weight, bias], 0.3)
    loss = 0.3 * (1 - weight.flatten(1).norm(dim=1)).square().sum()
    (expected,) = torch.autograd.grad(loss, weight)
    torch.testing.assert_close(weight.grad, 1 + expected)
    assert torch.equal(bias.grad, torch.ones_like(bias))
    zero = nn.Parameter(torch.zeros(2, 2))
    zero.grad = torch.ones(2, 2)
    add_norm_loss([zero], 0.3)
    assert torch.equal(zero.grad, torch.ones(2, 2))


def test_norm_loss_draws_weights_to_the_sphere(spec, registry, entry, toy, memory):
    def norms(strength):
        recipe = entry("recipe", "sgd", epochs=20, batch=16, weight_decay=0.0, norm_loss=strength)
        return run(spec(recipe=recipe), registry, toy, memory()).backbone[0].weight.flatten(1).norm(dim=1)

    assert (norms(0.5) - 1).abs().max() < 0.1 < (norms(0.0) - 1).abs().max()


def test_statistics_are_the_mean_over_one_pass(spec, registry, toy, memory):
    model = run(spec(), registry, toy, memory())
    norm = next(module for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    seen = []
    hook = norm.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    pixels = torch.from_numpy(np.ascontiguousarray(toy.splits["train"].images.transpose(0, 3, 1, 2)))
    batch_statistics(model, pixels, 24)
    hook.remove()
    assert [len(x) for x in seen] == [24, 24]
    torch.testing.assert_close(norm.running_mean, torch.stack([x.mean(dim=(0, 2, 3)) for x in seen]).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack([x.var(dim=(0, 2, 3)) for x in seen]).mean(0))
    assert norm.momentum == 0.1


@pytest.mark.parametrize(("recipe", "option"), [("sgd", {"swa": 0.5}), ("schedule-free", {})])
def test_averaged_weights_get_statistics_of_their_own(spec, registry, entry, toy, memory, recipe, option):
    model = run(spec(recipe=entry("recipe", recipe, epochs=4, batch=16, **option)), registry, toy, memory())
    before = {name: value.clone() for name, value in model.named_buffers()}
    batch_statistics(
        model, torch.from_numpy(np.ascontiguousarray(toy.splits["train"].images.transpose(0, 3, 1, 2))), 16
    )
    for name, value in model.named_buffers():
        if "running" in name:
            torch.testing.assert_close(before[name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("option", [{"ema": 0.5}, {"swa": 0.5}])
def test_what_is_validated_is_what_is_handed_on(spec, registry, entry, toy, memory, option):
    record = memory()
    what = spec(recipe=entry("recipe", "sgd", epochs=4, batch=16, **option), augment=[])
    model = run(what, registry, toy, record)
    plain = run(spec(recipe=entry("recipe", "sgd", epochs=4, batch=16), augment=[]), registry, toy, memory())
    assert not same(model, plain)
    val = toy.splits["val"]
    x = torch.from_numpy(val.images.transpose(0, 3, 1, 2)).float() / 255
    loss = nn.functional.cross_entropy(model(x), torch.from_numpy(val.labels)).item()
    assert record.lines[-1]["val.loss"] == pytest.approx(loss, abs=1e-5)


def test_averages_do_not_disturb_the_training(spec, registry, entry, toy, memory):
    def losses(**option):
        record = memory()
        run(spec(recipe=entry("recipe", "sgd", epochs=3, batch=16, **option)), registry, toy, record)
        return [line["train.loss"] for line in record.lines]

    assert losses(ema=0.9) == losses()
    assert losses(patience=3) == losses()


def test_accumulation_equals_the_whole_batch(spec, registry, entry, toy, memory):
    def trained(parts):
        record = memory()
        recipe = entry("recipe", "sgd", epochs=3, batch=16, accumulate=parts)
        what = spec(model=entry("model", "mlp"), recipe=recipe, augment=[entry("augment", "crop", padding=1)])
        return run(what, registry, toy, record), record.curve()

    (whole, curve), (parted, others) = trained(1), trained(5)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parted.state_dict()[name], value, rtol=1e-4, atol=1e-5)
    assert [line["train.loss"] for line in others] == pytest.approx([line["train.loss"] for line in curve], rel=1e-4)
    assert [line["train.accuracy"] for line in others] == pytest.approx([line["train.accuracy"] for line in curve])


def test_patience_hands_on_the_best_and_ends_early(spec, registry, entry, toy, memory):
    # Random labels on val get worse and worse as training goes on.
    val = toy.splits["val"]
    labels = np.random.default_rng(0).permutation(val.labels)
    spoilt = Dataset(toy.classes, {**toy.splits, "val": dataclasses.replace(val, labels=labels)})
    record = memory()
    what = spec(recipe=entry("recipe", "sgd", epochs=40, batch=16, patience=3), augment=[])
    model = run(what, registry, spoilt, record)
    losses = [line["val.loss"] for line in record.lines]
    best = int(np.argmin(losses))
    assert len(losses) == best + 4 < 40
    x = torch.from_numpy(val.images.transpose(0, 3, 1, 2)).float() / 255
    loss = nn.functional.cross_entropy(model(x), torch.from_numpy(labels)).item()
    assert loss == pytest.approx(losses[best], abs=1e-5)
    again = memory(1)
    resumed = again.through(lambda one: run(what, registry, spoilt, one), [4, 7, 2])
    assert same(resumed, model)
    assert again.curve() == record.curve()


def test_patience_needs_validation(spec, registry, entry, toy, memory):
    blind = Dataset(toy.classes, {"train": toy.splits["train"]})
    with pytest.raises(MethodError, match="no val split"):
        run(spec(recipe=entry("recipe", "sgd", patience=2)), registry, blind, memory())


def test_sam_without_radius_is_sgd(spec, registry, entry, toy, memory):
    sam = run(spec(recipe=entry("recipe", "sam", epochs=3, batch=16, rho=0.0)), registry, toy, memory())
    sgd = run(spec(recipe=entry("recipe", "sgd", epochs=3, batch=16)), registry, toy, memory())
    assert same(sam, sgd)
    away = run(spec(recipe=entry("recipe", "sam", epochs=3, batch=16, rho=0.5)), registry, toy, memory())
    assert not same(away, sgd)


def test_groups_may_have_a_rate_and_momentum_moves(memory):
    model = nn.Linear(2, 1)
    groups = [{"params": [model.weight], "lr": 0.1}, {"params": [model.bias], "lr": 1.0, "rate": lambda _: 0.0}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    before, seen = model.bias.detach().clone(), []
    recipe = Recipe(optimizer, lambda _: 0.5, momentum=lambda step: 0.1 * step)

    def objective(epoch, indices, repeats):
        seen.append([optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]])
        return model(torch.ones(len(indices), 2)).square().mean(), None

    order = Order(np.zeros(4, np.int64), 2, Streams({"order": 0}))
    fit(model, objective, order, recipe, 2, log=memory().log, checkpoints=memory())
    assert torch.equal(model.bias, before)
    np.testing.assert_allclose(seen, [[0.05, 0.0], [0.05, 0.1], [0.05, 0.2], [0.05, 0.3]])


OPTIONS = {
    **{name: (name, {}) for name in RECIPES},
    "ema": ("adamw", {"ema": 0.7}),
    "swa": ("sgd", {"swa": 0.6}),
    "patience": ("sgd", {"patience": 2}),
    "accumulate, clip, norm-loss": ("sgd", {"accumulate": 3, "clip": 1.0, "norm_loss": 0.1}),
    "everything": ("sam", {"swa": 0.5, "patience": 9, "accumulate": 2}),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_interrupted_run_equals_an_undisturbed_one(case, spec, registry, entry, toy, memory):
    name, options = OPTIONS[case]
    what = spec(recipe=entry("recipe", name, **{"epochs": 4, "batch": 16, **options}))
    undisturbed = memory()
    expected = run(what, registry, toy, undisturbed)
    assert not any(torch.isnan(value).any() for value in expected.state_dict().values())
    for every, stops in ((1, [1, 5]), (2, [6, 5]), (3, [5, 4])):
        record = memory(every)
        model = record.through(lambda one: run(what, registry, toy, one), stops)
        assert same(model, expected), (every, stops)
        assert record.curve() == undisturbed.curve()
