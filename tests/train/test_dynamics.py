"""Watching a training: it changes nothing, survives kills, and writes down what the batches say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from assay.data.dataset import Dataset
from assay.errors import MethodError
from assay.train.dynamics import Recorder
from assay.train.job import train
from assay.train.pixels import to_pixels, to_unit


def watched(spec, registry, toy, record, **inputs):
    """The weights and the dynamics of a training."""
    kept = {}
    model = train(
        {**spec, "dynamics": True}, registry, toy, keep=kept.update, log=record.log, checkpoints=record, **inputs
    )
    return model.state_dict(), kept


@pytest.fixture
def plain(spec, entry):
    return spec(augment=[entry("augment", "crop", padding=1)])


def test_numbers_of_one_batch_by_hand():
    recorder = Recorder(3, 2, torch.device("cpu"))
    logits = torch.tensor([[2.0, 1.0, -1.0], [0.0, 3.0, 1.0], [5.0, 5.5, 0.0], [1.0, 0.0, 0.0]])
    labels = torch.tensor([0, 2, 1, 0])
    one_hot = torch.eye(3)[labels]
    # Image 2 is drawn twice; image 3 is not of the train split.
    recorder(1, torch.tensor([0, 2, 2, 3]), torch.tensor([0, 0, 1, 0]), logits, one_hot, labels)
    found = recorder.arrays()
    assert np.isnan(found["margin"][0]).all()
    np.testing.assert_allclose(found["margin"][1], [1, np.nan, -2])
    assert found["correct"].tolist() == [[False] * 3, [True, False, False]]
    p = torch.tensor([0.0, 3.0, 1.0]).softmax(0).numpy() - [0, 0, 1]
    np.testing.assert_allclose(found["error"][1, 2], np.linalg.norm(p), rtol=1e-6)
    with pytest.raises(MethodError, match="mixes targets"):
        recorder(0, torch.tensor([0]), torch.tensor([0]), logits[:1], torch.tensor([[0.7, 0.3, 0.0]]), labels[:1])


def test_weights_are_the_same_bit_for_bit(plain, registry, toy, memory):
    record, other = memory(), memory()
    expected = train(plain, registry, toy, log=record.log, checkpoints=record).state_dict()
    found, kept = watched(plain, registry, toy, other)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert other.curve() == record.curve()
    assert kept["id"].tolist() == toy.splits["train"].ids.tolist()
    assert kept["margin"].shape == kept["correct"].shape == kept["error"].shape == (3, 48)
    assert np.isfinite(kept["margin"]).all()
    np.testing.assert_array_equal(kept["correct"], kept["margin"] > 0)


def test_an_epoch_is_seen_by_the_model_as_it_then_was(spec, registry, entry, toy, memory):
    """With a learning rate of next to nothing every batch meets the final model, augmentations aside."""
    recipe = entry("recipe", "sgd", epochs=2, batch=16, lr=1e-9)
    what = spec(augment=[], recipe=recipe, model=entry("model", "linear"))
    kept = {}
    record = memory()
    model = train({**what, "dynamics": True}, registry, toy, keep=kept.update, log=record.log, checkpoints=record)
    split = toy.splits["train"]
    with torch.no_grad():
        logits = model.head(model.features(to_unit(to_pixels(split.images)))).numpy()
    own = logits[np.arange(48), split.labels]
    others = np.where(np.eye(3, dtype=bool)[split.labels], -np.inf, logits).max(1)
    np.testing.assert_allclose(kept["margin"], [own - others] * 2, atol=1e-4)


def test_resumed_after_kills_it_is_the_same(plain, registry, toy, memory):
    expected, kept = watched(plain, registry, toy, memory())
    for every, stops in ((1, [1, 4, 2]), (4, [7, 5])):
        record = memory(every)
        found, again = record.through(lambda one: watched(plain, registry, toy, one), stops)
        assert all(torch.equal(found[name], expected[name]) for name in expected)
        for name in ("margin", "correct", "error"):
            np.testing.assert_array_equal(again[name], kept[name])


def test_what_sampling_leaves_out_is_not_known(spec, registry, entry, toy, memory):
    what = spec(augment=[], rebalance=entry("rebalance", "class-balanced"))
    _, kept = watched(what, registry, toy, memory())
    assert 0 < np.isnan(kept["margin"]).sum() < kept["margin"].size


def test_synthetic_images_are_trained_on_and_not_watched(plain, registry, toy, memory):
    made = Dataset(toy.classes, {"synthetic": toy.splits["test"]})
    _, kept = watched(plain | {"synthetic": {"mix": "real+synthetic"}}, registry, toy, memory(), synthetic=made)
    assert kept["margin"].shape == (3, 48)


def test_mixed_targets_are_refused(spec, registry, toy, memory):
    with pytest.raises(MethodError, match="mixes targets"):
        watched(spec(), registry, toy, memory())
