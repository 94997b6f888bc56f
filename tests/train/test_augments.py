"""Augmentations that look at the network in training."""

from __future__ import annotations

import pytest
import torch
from assay.adjust.job import adjust
from assay.models.classifier import Classifier
from assay.train.augments import augmentations
from assay.train.job import train


def run(spec, registry, toy, record, **inputs):
    return train(spec, registry, toy, log=record.log, checkpoints=record, **inputs)


def same(one, other):
    one, other = one.state_dict(), other.state_dict()
    return all(torch.equal(one[name], other[name]) for name in one)


def test_functions_and_classes_come_in_order(registry, entry):
    model = Classifier(torch.nn.Flatten(), 4, 1, 2)
    entries = [entry("augment", name) for name in ("flip", "attentive-cutmix", "mixup")]
    first, second, third = augmentations(registry, entries, model)
    assert (first.func.__name__, third.func.__name__) == ("flip", "mixup")
    assert second.model is model


@pytest.mark.parametrize("network", ["trained", "start"])
def test_resumed_run_equals_an_undisturbed_one(spec, registry, entry, toy, memory, network):
    what = spec(augment=[entry("augment", "flip"), entry("augment", "attentive-cutmix", network=network)])
    undisturbed = memory()
    expected = run(what, registry, toy, undisturbed)
    for every, stops in ((1, [4, 2]), (2, [5])):
        record = memory(every)
        assert same(record.through(lambda one: run(what, registry, toy, one), stops), expected), (every, stops)
        assert record.curve() == undisturbed.curve()


def test_whose_attention_it_is_matters(spec, registry, entry, toy, memory):
    """A network that starts from weights is asked for its attention as it starts, or as it goes on."""
    weights = run(spec(augment=[]), registry, toy, memory()).state_dict()

    def trained(network, **inputs):
        augment = [entry("augment", "attentive-cutmix", network=network)]
        init = {"weights": "model.safetensors"} if inputs else None
        return run(spec(augment=augment, init=init), registry, toy, memory(), **inputs)

    assert not same(trained("start"), trained("trained"))
    assert not same(trained("start", weights=weights), trained("start"))


def test_further_training_attends_with_the_network_that_it_trains(spec, registry, entry, toy, memory):
    augment = [entry("augment", "attentive-cutmix")]
    model = run(spec(augment=augment), registry, toy, memory())
    shared = {key: spec(augment=augment)[key] for key in ("recipe", "loss", "augment", "streams", "precision")}
    what = shared | {"method": entry("adjust", "crt", epochs=1)}
    record = memory()
    made = adjust(what, registry, toy, model, log=record.log, checkpoints=record)
    assert torch.equal(made.backbone[0].weight, model.backbone[0].weight)
    assert not torch.equal(made.head.weight, model.head.weight)
