"""How training uses a synthetic set: in two stages, with soft labels, and not at all if it misses its gate."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from assay.data.dataset import Dataset
from assay.errors import MethodError
from assay.train.images import Images
from assay.train.job import train

FIRST = {"mix": "pretrain-then-real", "labels": "hard", "gate": None}
QUALITY = {"agreement": {"synthetic": 0.5}, "copied": {"synthetic": 0.1}}


def run(spec, registry, toy, memory, **inputs):
    return train(spec, registry, toy, log=memory.log, checkpoints=memory, **inputs)


def same(one, other):
    one, other = one.state_dict(), other.state_dict()
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def made(toy):
    return Dataset(toy.classes, {"synthetic": toy.splits["test"].take(np.arange(32))}, {"quality": QUALITY})


def test_two_stages_train_by_the_whole_recipe_twice(spec, registry, toy, memory, made):
    record = memory()
    run(spec(synthetic=FIRST), registry, toy, record, synthetic=made)
    ends = [line for line in record.lines if "val.accuracy" in line]
    # Three epochs of 32 synthetic images, then three of 48 real ones, in batches of 16.
    assert [line["step"] for line in ends] == [2, 4, 6, 9, 12, 15]
    assert [line["epoch"] for line in ends] == [1, 2, 3, 4, 5, 6]


def test_the_second_stage_goes_on_from_the_first(spec, registry, entry, toy, memory, made):
    """At a learning rate of nothing the model stays what it starts from; at one of something the first stage counts."""
    still = entry("recipe", "sgd", epochs=1, batch=16, lr=1e-30, weight_decay=0.0)
    plain, staged = (
        run(spec(recipe=still, synthetic=use), registry, toy, memory(), **inputs)
        for use, inputs in ((None, {}), (FIRST, {"synthetic": made}))
    )
    for name, value in plain.named_parameters():
        torch.testing.assert_close(dict(staged.named_parameters())[name], value)
    moving = [run(spec(synthetic=use), registry, toy, memory(), **inputs)
              for use, inputs in ((None, {}), (FIRST, {"synthetic": made}))]  # fmt: skip
    assert not same(*moving)


def test_a_training_in_two_stages_resumes_to_the_same_weights(spec, registry, toy, memory, made):
    undisturbed = memory()
    expected = run(spec(synthetic=FIRST), registry, toy, undisturbed, synthetic=made)
    for every, stops in ((1, [2, 5]), (2, [6, 1]), (4, [9])):
        record = memory(every)
        model = record.through(lambda one: run(spec(synthetic=FIRST), registry, toy, one, synthetic=made), stops)
        assert same(model, expected), (every, stops)
        assert record.curve() == undisturbed.curve()


def test_soft_labels_are_the_targets_of_synthetic_images_alone(toy, made):
    split = made.splits["synthetic"]
    soft = np.full((32, len(toy.classes)), 1 / len(toy.classes), np.float32)
    soft[0] = np.eye(len(toy.classes))[1]
    split = dataclasses.replace(split, soft=soft)
    real = dataclasses.replace(toy.splits["train"], soft=np.zeros((48, len(toy.classes)), np.float32))
    images = Images([real, split], len(toy.classes), torch.device("cpu"), soft=split)
    targets = images.batch(torch.arange(80))[1]
    assert torch.equal(targets[:48].argmax(1), torch.from_numpy(real.labels))
    assert torch.equal(targets[48:], torch.from_numpy(soft))
    hard = Images([real, split], len(toy.classes), torch.device("cpu")).batch(torch.arange(80))[1]
    assert set(hard.unique().tolist()) == {0, 1}


def test_soft_labels_reach_the_training(spec, registry, toy, memory, made):
    use = {"mix": "real+synthetic", "labels": "soft", "gate": None}
    with pytest.raises(MethodError, match="labels: soft, and the synthetic set has none"):
        run(spec(synthetic=use), registry, toy, memory(), synthetic=made)
    one_hot = np.eye(len(toy.classes), dtype=np.float32)[made.splits["synthetic"].labels]

    def trained(soft, labels="soft"):
        split = dataclasses.replace(made.splits["synthetic"], soft=soft)
        return run(spec(synthetic=use | {"labels": labels}), registry, toy, memory(),
                   synthetic=Dataset(toy.classes, {"synthetic": split}, made.card))  # fmt: skip

    assert same(trained(one_hot), trained(one_hot, "hard"))
    assert not same(trained(one_hot), trained(one_hot[:, ::-1].copy()))


def test_a_set_that_misses_its_gate_is_not_learnt_from(spec, registry, toy, memory, made):
    passing = {"mix": "real+synthetic", "labels": "hard", "gate": {"agreement": 0.5, "copied": 0.1}}
    free = run(spec(synthetic=passing | {"gate": None}), registry, toy, memory(), synthetic=made)
    assert same(free, run(spec(synthetic=passing), registry, toy, memory(), synthetic=made))
    with pytest.raises(MethodError, match=r"does not pass its gate: agreement is 0.5, at least 0.9 is asked$"):
        run(spec(synthetic=passing | {"gate": {"agreement": 0.9}}), registry, toy, memory(), synthetic=made)
