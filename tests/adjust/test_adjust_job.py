import numpy as np
import pytest
import torch
from assay.adjust.job import adjust
from assay.train.infer import logits_and_features
from assay.train.job import train
from assay.train.objective import Supervised
from sklearn.linear_model import LogisticRegression


@pytest.fixture
def spec(entry):
    def make(method, **changes):
        return {
            "method": method,
            "model": entry("model", "tiny-cnn", width=8),
            "recipe": entry("recipe", "sgd", epochs=3, batch=16, weight_decay=0.2, warmup=0.0),
            "augment": [],
            "loss": entry("loss", "focal"),
            "rebalance": None,
            "precision": "fp32",
            "threads": 1,
            "streams": {"init": 0, "order": 0, "augment": 0},
        } | changes

    return make


@pytest.fixture
def parent(spec, registry, toy, memory):
    record = memory()
    return train(spec(None), registry, toy, log=record.log, checkpoints=record)


def run(spec, registry, toy, parent, record):
    return adjust(spec, registry, toy, parent, log=record.log, checkpoints=record)


def test_counts_are_those_of_the_train_split_and_the_parent_is_kept(spec, registry, toy, memory, parent, entry):
    before = {name: value.clone() for name, value in parent.state_dict().items()}
    images = toy.splits["test"].images
    plain, _ = logits_and_features(parent, images)
    model = run(spec(entry("adjust", "logit-adjustment")), registry, toy, parent, memory())
    prior = np.array([24, 16, 8]) / 48
    np.testing.assert_allclose(logits_and_features(model, images)[0], plain - np.log(prior), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in parent.state_dict().items())
    assert not model.training


def test_crt_trains_a_new_head_on_frozen_features_and_balanced_classes(
    spec, registry, toy, memory, parent, entry, monkeypatch
):
    seen = []
    original = Supervised.__call__

    def spying(self, epoch, indices, repeats):
        seen.append(self.images.labels[indices])
        return original(self, epoch, indices, repeats)

    monkeypatch.setattr(Supervised, "__call__", spying)
    record = memory()
    recipe = entry("recipe", "sgd", epochs=3, batch=48, weight_decay=0.2, warmup=0.0)
    crt = spec(entry("adjust", "crt", epochs=600, lr=0.05), recipe=recipe)
    model = run(crt, registry, toy, parent, record)
    own, theirs = model.state_dict(), parent.state_dict()
    assert all(torch.equal(own[name], theirs[name]) for name in own if not name.startswith("head."))
    assert all(parameter.requires_grad for parameter in model.parameters())
    np.testing.assert_allclose(torch.cat(seen).bincount() / (600 * 48), 1 / 3, atol=0.02)

    # The optimum of cross-entropy with weight decay over classes that count alike, as scikit-learn finds it.
    split = toy.splits["train"]
    _, features = logits_and_features(parent, split.images)
    weight = (16 / np.bincount(split.labels))[split.labels]
    reference = LogisticRegression(C=1 / (0.2 * 48), tol=1e-8, max_iter=5000).fit(features, split.labels, weight)
    logits, features = logits_and_features(model, toy.splits["test"].images)
    made = torch.from_numpy(logits).softmax(1).numpy()
    np.testing.assert_allclose(made, reference.predict_proba(features), atol=0.02)


def test_crt_starts_from_the_stream_of_initialisation(spec, registry, toy, memory, parent, entry):
    def head(**streams):
        # A rate too small to move a weight in float32 shows the initial weights.
        streams = {"init": 0, "order": 0, "augment": 0} | streams
        still = spec(entry("adjust", "crt", epochs=1, lr=1e-30), streams=streams)
        before = torch.get_rng_state()
        made = run(still, registry, toy, parent, memory()).head.weight
        assert torch.equal(torch.get_rng_state(), before)
        return made

    assert torch.equal(head(), head(order=1))
    assert not torch.equal(head(), head(init=1))
    assert not torch.allclose(head(), parent.head.weight)


def test_resumed_run_equals_an_undisturbed_one(spec, registry, toy, memory, parent, entry):
    what = spec(entry("adjust", "crt", epochs=3), augment=[entry("augment", "crop", padding=1)])

    def again(record):
        return run(what, registry, toy, parent, record).state_dict()

    undisturbed = memory()
    expected = again(undisturbed)
    for every, stops in ((1, [2, 5]), (4, [5, 3]), (9, [9])):
        record = memory(every)
        resumed = record.through(again, stops)
        assert all(torch.equal(value, expected[name]) for name, value in resumed.items())
        assert record.curve() == undisturbed.curve()
