"""Learning rates, momenta and parameter groups of the recipes, against closed forms and torch's schedulers."""

import math

import pytest
import torch
from assay.errors import MethodError
from assay.study.registry import bind
from assay.train.recipe import prepare, training_mode
from torch import nn
from torch.optim import SGD, lr_scheduler

STEPS = 60


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.whiten = nn.Conv2d(1, 2, 2)
        self.conv, self.norm = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 3)


@pytest.fixture
def made(registry, entry):
    def make(name, model=None, steps=STEPS, **options):
        what = entry("recipe", name, **{"epochs": 6, **options})
        return prepare(registry, what, model or Model(), steps, seed=1)

    return make


def torch_path(scheduler, steps, momentum=False):
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    schedule, rates, momenta = scheduler(optimizer), [], []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        schedule.step()
    return (rates, momenta) if momentum else rates


def test_sgdr_restarts_as_in_torch(made):
    rate = made("sgdr", first=1.0, factor=2.0).rate
    theirs = torch_path(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=10, T_mult=2), STEPS)
    assert [rate(step) for step in range(STEPS)] == pytest.approx(theirs, abs=1e-9)
    assert [step for step in range(STEPS) if rate(step) == 1] == [0, 10, 30]


def test_onecycle_is_that_of_torch(made):
    recipe = made("onecycle", rise=0.3, divisor=8.0, last_divisor=50.0, momentum=0.9, low_momentum=0.7)
    rates, momenta = torch_path(
        lambda o: lr_scheduler.OneCycleLR(
            o, 1.0, total_steps=STEPS, pct_start=0.3, anneal_strategy="linear", base_momentum=0.7, max_momentum=0.9,
            div_factor=8.0, final_div_factor=50.0, three_phase=True,
        ),
        STEPS,
        momentum=True,
    )  # fmt: skip
    assert [recipe.rate(step) for step in range(STEPS)] == pytest.approx(rates)
    assert [recipe.momentum(step) for step in range(STEPS)] == pytest.approx(momenta)


def test_resnet_rs_scales_by_the_batch_and_averages(made):
    recipe = made("resnet-rs", batch=64, warmup=0.0)
    assert [group["lr"] for group in recipe.optimizer.param_groups] == [0.1 / 4] * 2
    assert recipe.average.decay == 0.9999
    assert made("resnet-rs", ema=None).average is None


def test_linear_probe_trains_the_head_on_a_backbone_at_rest(made):
    model = Model()
    recipe = made("linear-probe", model)
    moved = {id(p) for group in recipe.optimizer.param_groups for p in group["params"]}
    assert moved == {id(p) for p in model.head.parameters()}
    training_mode(model)
    assert model.head.training
    assert not model.norm.training
    with pytest.raises(MethodError, match="nothing to train"):
        made("linear-probe", nn.Sequential(nn.Linear(2, 2)))


def test_finetune_moves_the_backbone_more_slowly(made):
    model = Model()
    groups = made("finetune", model, lr=0.5, backbone=0.2).optimizer.param_groups
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert {rates[id(p)] for p in model.head.parameters()} == {0.5}
    assert {rates[id(p)] for name, p in model.named_parameters() if "head" not in name} == {0.1}
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert decays[id(model.conv.weight)] > 0
    assert decays[id(model.norm.weight)] == 0


def test_bn_only_trains_normalisation_alone(made):
    model = Model()
    recipe = made("bn-only", model)
    moved = {id(p) for group in recipe.optimizer.param_groups for p in group["params"]}
    assert moved == {id(p) for p in model.norm.parameters()}
    training_mode(model)
    assert model.norm.training
    with_head = {id(p) for g in made("bn-only", Model(), head=True).optimizer.param_groups for p in g["params"]}
    assert len(with_head) == 4
    frozen = Model()
    frozen.norm.bias.requires_grad_(False)
    groups = made("bn-only", frozen).optimizer.param_groups
    assert [id(p) for group in groups for p in group["params"]] == [id(frozen.norm.weight)]
    with pytest.raises(MethodError, match="no normalisation layer"):
        made("bn-only", nn.Sequential(nn.Linear(2, 2)))


def test_muon_leaves_head_and_vectors_to_adam(made):
    model = Model()
    groups = made("muon", model, lr=0.3, adam_lr=0.01).optimizer.param_groups
    matrices = {id(p) for group in groups if group["matrices"] for p in group["params"]}
    assert matrices == {id(model.whiten.weight), id(model.conv.weight)}
    assert {group["lr"] for group in groups if group["matrices"]} == {0.3}
    assert {group["lr"] for group in groups if not group["matrices"]} == {0.01}


def test_schedule_free_only_warms_up(made):
    rate = made("schedule-free", warmup=1.0).rate
    assert [rate(step) for step in (0, 4, 9, 10, 59)] == pytest.approx([0.1, 0.5, 1, 1, 1])


def test_sgld_falls_by_a_power(made):
    rate = made("sgld", offset=2.0, power=0.5).rate
    assert [rate(step) for step in (0, 20, 60)] == pytest.approx([1, 1 / math.sqrt(2), 0.5])


def test_innaprop_refuses_a_learning_rate_it_cannot_take(made):
    with pytest.raises(MethodError, match="lr below beta"):
        made("innaprop", lr=1.0, beta=0.9)


def test_swa_holds_the_learning_rate_in_its_last_share(made):
    plain, swa = made("sgd", warmup=0.0).rate, made("sgd", warmup=0.0, swa=0.5).rate
    assert [swa(step) for step in range(30)] == [plain(step) for step in range(30)]
    assert {swa(step) for step in range(30, STEPS)} == {plain(30)}


def test_one_way_to_average_at_a_time(made):
    with pytest.raises(MethodError, match="ema and swa"):
        made("sgd", ema=0.9, swa=0.5)
    with pytest.raises(MethodError, match="ema and schedule-free"):
        made("schedule-free", ema=0.9)


def test_shared_options_are_the_loops_and_not_the_methods(registry, entry):
    what = entry("recipe", "sgd", epochs=6)
    assert {"accumulate", "ema", "swa", "patience", "norm-loss"} <= set(what)
    assert not {"accumulate", "ema"} & set(bind(registry, "recipe", what).keywords)
    for name in registry.names("recipe"):
        options = registry.card("recipe", name).options
        assert {"epochs", "batch", "accumulate", "patience"} <= set(options), name
