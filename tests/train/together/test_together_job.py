"""Seeds that train together become what they become alone."""

from __future__ import annotations

import itertools

import pytest
import torch
from assay.errors import MethodError
from assay.study.together import METHODS
from assay.train import images, infer, job, statistics
from assay.train.job import train
from assay.train.together import job as together
from assay.train.together.job import PARTNERS, Member, train_together

#: How far results under `together` may lie from those alone, after a few steps in float32: relative to a tensor's
#: largest element, and for logged values.
TOLERANCE = 1e-4


def streams(seed):
    return dict.fromkeys(("init", "order", "augment"), seed)


def alone(spec, seeds, registry, toy, memory, **inputs):
    """The models and the curves of each seed, trained by itself."""
    made = []
    for seed in seeds:
        record = memory()
        model = train(spec | {"streams": streams(seed)}, registry, toy, log=record.log, checkpoints=record, **inputs)
        made.append((model, record.curve()))
    return made


class Several:
    """Members with a memory each, of which the first keeps the state of all."""

    def __init__(self, memory, seeds, every=0):
        self.records = [memory(every) for _ in seeds]
        self.members = [
            Member(f"s{seed}", streams(seed), record.log) for seed, record in zip(seeds, self.records, strict=True)
        ]

    def run(self, spec, registry, toy, **inputs):
        for record in self.records[1:]:
            record.kept = record.kept if self.records[0].state else 0
            record.lines = record.lines[: record.kept]
        return train_together(spec, self.members, registry, toy, checkpoints=self, **inputs)

    def due(self):
        return self.records[0].due()

    def save(self, state):
        self.records[0].save(state)
        for record in self.records[1:]:
            record.kept = len(record.lines)

    def load(self):
        return self.records[0].load()


def assert_close(one, other):
    """Models and curves agree within `TOLERANCE`."""
    (model, curve), (other_model, other_curve) = one, other
    for name, value in model.state_dict().items():
        theirs = other_model.state_dict()[name]
        largest = max(1e-3, float(theirs.abs().max())) if theirs.is_floating_point() else 1.0
        torch.testing.assert_close(
            value, theirs, rtol=0, atol=TOLERANCE * largest, msg=lambda text, n=name: f"{n} {text}"
        )
    assert [line["step"] for line in curve] == [line["step"] for line in other_curve]
    for ours, theirs in zip(curve, other_curve, strict=True):
        assert ours == pytest.approx(theirs, rel=TOLERANCE, abs=TOLERANCE)


def compare(spec, registry, toy, memory, seeds=(0, 3), **inputs):
    several = Several(memory, seeds)
    made = several.run(spec, registry, toy, **inputs)
    expected = alone(spec, seeds, registry, toy, memory, **inputs)
    for model, record, other in zip(made, several.records, expected, strict=True):
        assert_close((model, record.curve()), other)
    return made


def test_each_seed_becomes_what_it_becomes_alone(spec, registry, toy, memory):
    made = compare(spec(), registry, toy, memory, seeds=(0, 3, 7))
    for one, other in itertools.combinations(made, 2):
        assert not torch.allclose(one.head.weight, other.head.weight, atol=0.01)
    assert all(not model.training and parameter.grad is None for model in made for parameter in model.parameters())


RECIPES = [
    ("adamw", {}),
    ("airbench94", {"lr": 2.0}),
    ("bn-only", {"head": True}),
    ("finetune", {}),
    ("innaprop", {}),
    ("linear-probe", {}),
    ("lion", {}),
    ("onecycle", {}),
    ("resnet-rs", {"ema": 0.9}),
    ("schedule-free", {}),
    ("sgd", {"clip": 0.05}),
    ("sgd", {"accumulate": 2}),
    ("sgd", {"swa": 0.5}),
    ("sgd", {"ema": 0.8, "clip": 0.5}),
    ("sgdr", {"first": 1.0}),
]


@pytest.mark.parametrize(("recipe", "options"), RECIPES)
def test_recipes(spec, registry, entry, toy, memory, recipe, options):
    what = spec(recipe=entry("recipe", recipe, epochs=3, batch=16, **options))
    compare(what, registry, toy, memory)


AUGMENTS = [name for name in METHODS["augment"] if name not in ("crop", "mixup")]  # those are in `spec`


@pytest.mark.parametrize("augment", AUGMENTS)
def test_augmentations(spec, registry, entry, toy, memory, augment):
    recipe = entry("recipe", "sgd", epochs=1, batch=16)
    compare(spec(augment=[entry("augment", augment)], recipe=recipe), registry, toy, memory)


def test_those_that_mix_images_are_called_for_each_seed_by_itself(registry):
    mixing = {name for name in METHODS["augment"] if registry.card("augment", name).mixes}
    assert set(PARTNERS) == mixing


@pytest.mark.parametrize("loss", METHODS["loss"])
def test_losses(spec, registry, entry, toy, memory, loss):
    recipe = entry("recipe", "sgd", epochs=2, batch=16, lr=0.02)
    compare(spec(loss=entry("loss", loss), recipe=recipe, augment=[]), registry, toy, memory)


@pytest.mark.parametrize("trainable", METHODS["trainable"])
def test_trainable_parts(spec, registry, entry, toy, memory, trainable):
    donor = train(spec() | {"streams": streams(9)}, registry, toy, log=memory().log, checkpoints=memory())
    what = spec(trainable=entry("trainable", trainable), init={"weights": "elsewhere"})
    for model in compare(what, registry, toy, memory, weights=donor.state_dict()):
        assert set(model.state_dict()) == set(donor.state_dict())


def test_initial_weights_of_another_kind(spec, registry, entry, toy, memory):
    compare(spec(init=entry("init", "orthogonal")), registry, toy, memory)


@pytest.mark.parametrize("rebalance", METHODS["rebalance"])
def test_rebalancing(spec, registry, entry, toy, memory, rebalance):
    what = spec(rebalance=entry("rebalance", rebalance), recipe=entry("recipe", "sgd", epochs=2, batch=16))
    compare(what, registry, toy, memory)


def test_bf16(spec, registry, entry, toy, memory):
    what = spec(recipe=entry("recipe", "sgd", epochs=1, batch=16))
    full = Several(memory, (0, 3)).run(what, registry, toy)
    what |= {"precision": "bf16"}
    half = Several(memory, (0, 3)).run(what, registry, toy)
    assert not any(same(one, other) for one, other in zip(full, half, strict=True))
    for model, (other, _) in zip(half, alone(what, (0, 3), registry, toy, memory), strict=True):
        for name, value in model.state_dict().items():
            # bfloat16 has 8 bits: sums in another order differ in the third digit.
            torch.testing.assert_close(value, other.state_dict()[name], rtol=0.01, atol=0.005)


def test_in_double_precision_nothing_but_the_last_digits_differs(spec, registry, entry, toy, memory, monkeypatch):
    """Rounding is all that tells a seed in company from one alone: with 53 bits they part by 1e-12 and not 1e-5."""
    for module in (job, together):
        placed = module.place
        monkeypatch.setattr(module, "place", lambda model, device, placed=placed: placed(model, device).double())
    unit = images.to_unit
    for module in (images, infer, statistics, together):
        monkeypatch.setattr(module, "to_unit", lambda pixels: unit(pixels).double())
    monkeypatch.setitem(globals(), "TOLERANCE", 1e-10)
    # Long, and at a rate at which single precision has long gone another way.
    recipe = entry("recipe", "sgd", epochs=12, batch=8, lr=0.3, swa=0.5, clip=1.0)
    compare(spec(model=entry("model", "resnet8", width=4), recipe=recipe), registry, toy, memory)


@pytest.mark.parametrize("recipe", ["sgd", "adamw", "airbench94"])
def test_a_resumed_run_equals_an_undisturbed_one_to_the_bit(spec, registry, entry, toy, memory, recipe):
    what = spec(
        recipe=entry("recipe", recipe, epochs=3, batch=16, clip=1.0), rebalance=entry("rebalance", "oversample")
    )
    undisturbed = Several(memory, (0, 3))
    expected = undisturbed.run(what, registry, toy)
    for every, stops in ((1, [1, 4, 2]), (2, [3, 3, 5]), (4, [7, 9])):
        several = Several(memory, (0, 3), every)
        for stop in stops:
            several.records[0].stop, several.records[0].looks = stop, 0
            with pytest.raises(Exception, match=r"^$"):
                several.run(what, registry, toy)
        several.records[0].stop, several.records[0].looks = 0, 0
        for model, other in zip(several.run(what, registry, toy), expected, strict=True):
            assert same(model, other), (every, stops)
        for record, other in zip(several.records, undisturbed.records, strict=True):
            assert record.curve() == other.curve()


def same(one, other):
    one, other = one.state_dict(), other.state_dict()
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_finished_run_is_handed_on_again_without_a_step(spec, registry, entry, toy, memory):
    what = spec(recipe=entry("recipe", "sgd", epochs=2, batch=16, ema=0.5))
    several = Several(memory, (0, 3))
    made = several.run(what, registry, toy)
    looks = several.records[0].looks
    again = several.run(what, registry, toy)
    assert several.records[0].looks == looks
    assert all(same(one, other) for one, other in zip(made, again, strict=True))


def test_a_seed_that_fails_fails_alone(spec, registry, toy, memory):
    donor = train(spec() | {"streams": streams(9)}, registry, toy, log=memory().log, checkpoints=memory()).state_dict()
    broken = {name: value * 1e30 if "weight" in name else value for name, value in donor.items()}

    def run(second):
        several = Several(memory, (0, 1, 2))
        for member, encoder in zip(several.members, (donor, second, donor), strict=True):
            member.encoder = encoder
        return several.run(spec(), registry, toy), several.records

    (first, failed, third), records = run(broken)
    (whole, _, other), healthy = run(donor)
    assert isinstance(failed, MethodError)
    assert "in epoch 1 of 3, at step 1; try a lower lr" in str(failed)
    assert records[1].lines == []
    # Not a bit of the others moves, nor of their curves.
    assert same(first, whole)
    assert same(third, other)
    assert records[0].curve() == healthy[0].curve()
    assert records[2].curve() == healthy[2].curve()


def test_when_all_fail_training_ends_at_once(spec, registry, entry, toy, memory):
    what = spec(recipe=entry("recipe", "sgd", epochs=50, batch=16, lr=1e30, warmup=0.0))
    several = Several(memory, (0, 3))
    assert all(isinstance(made, MethodError) for made in several.run(what, registry, toy))
    assert several.records[0].looks == 2  # at the end of the first epoch of three steps


def test_dynamics_are_those_of_a_seed_alone(spec, registry, entry, toy, memory):
    what = spec(augment=[entry("augment", "crop", padding=1)]) | {"dynamics": True}
    kept = {}
    several = Several(memory, (0, 3))
    several.members[1].keep = lambda **arrays: kept.setdefault("together", arrays)
    several.run(what, registry, toy)
    record = memory()
    train(
        what | {"streams": streams(3)},
        registry,
        toy,
        log=record.log,
        checkpoints=record,
        keep=lambda **arrays: kept.setdefault("alone", arrays),
    )
    assert list(kept["together"]["id"]) == list(kept["alone"]["id"])
    for name in ("margin", "error"):
        torch.testing.assert_close(
            torch.from_numpy(kept["together"][name]), torch.from_numpy(kept["alone"][name]), rtol=1e-3, atol=1e-4
        )


def test_what_looks_at_more_than_one_element_is_refused(spec, registry, entry, toy, memory):
    for recipe, options in (("sam", {}), ("sgld", {}), ("sgd", {"patience": 1}), ("sgd", {"norm-loss": 0.1})):
        what = spec(recipe=entry("recipe", recipe, epochs=1, **options))
        with pytest.raises(MethodError, match="leave `together` out"):
            Several(memory, (0, 3)).run(what, registry, toy)
