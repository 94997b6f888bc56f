"""Seeds that train together become what they become alone."""

from __future__ import annotations

import itertools

import pytest
import torch
from assay.errors import MethodError
from assay.train.job import train
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
        torch.testing.assert_close(value, theirs, rtol=0, atol=TOLERANCE * largest, msg=lambda text, n=name: f"{n} {text}")
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
