"""SMOTE in feature space: what is made, and the head that is trained on it."""

import numpy as np
import pytest
import torch
from assay.adjust.job import adjust
from assay.adjust.smote import balanced
from assay.errors import MethodError
from assay.train.infer import logits_and_features
from assay.train.job import train
from imblearn.over_sampling import BorderlineSMOTE
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

SEEDS = [11, 12, 13]


def blobs(counts, spread=1.0):
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(len(counts)), counts)
    return (3.0 * labels[:, None] + spread * rng.standard_normal((len(labels), 4))).astype(np.float32), labels


def test_new_features_lie_between_two_of_their_class():
    features, labels = blobs([30, 2])
    made, classes = balanced(features, labels, SEEDS, 5, False, 1.0)
    assert np.bincount(classes).tolist() == [30, 30]
    a, b = features[labels == 1].astype(float)
    new = made[classes == 1][2:]
    share = (new - a) @ (b - a) / ((b - a) @ (b - a))
    assert (share >= 0).all()
    assert (share <= 1).all()
    assert np.std(share) > 0.15  # uniform in 0..1 has 0.29; copies of the two would lie at 0 and 1
    np.testing.assert_allclose(new, a + share[:, None] * (b - a), atol=1e-5)


def test_new_features_lie_towards_one_of_the_k_nearest():
    features, labels = blobs([60, 25])
    own = features[labels == 1].astype(float)
    made, classes = balanced(features, labels, SEEDS, 2, False, 1.0)
    nearest = NearestNeighbors(n_neighbors=3).fit(own).kneighbors(own, return_distance=False)[:, 1:]
    for new in made[classes == 1][25:]:
        ends = [(own[i], own[j]) for i in range(25) for j in nearest[i]]
        assert min(np.linalg.norm(new - a) + np.linalg.norm(new - b) - np.linalg.norm(a - b) for a, b in ends) < 1e-5


def test_every_class_comes_to_the_level_and_larger_ones_are_thinned_to_real_features():
    features, labels = blobs([40, 30, 5])
    made, classes = balanced(features, labels, SEEDS, 3, False, 0.5)
    assert np.bincount(classes).tolist() == [20, 20, 20]
    known = {tuple(row) for row in features}
    assert all(tuple(row) in known for row in made[classes < 2])
    assert sum(tuple(row) in known for row in made[classes == 2]) == 5
    assert len({tuple(row) for row in made[classes == 0]}) == 20
    again, _ = balanced(features, labels, SEEDS, 3, False, 0.5)
    other, _ = balanced(features, labels, [1, 2, 3], 3, False, 0.5)
    assert np.array_equal(made, again)
    assert not np.array_equal(made, other)


def test_the_border_is_where_most_neighbours_are_of_other_classes():
    features, labels = blobs([200, 60], spread=2.5)
    made, classes = balanced(features, labels, SEEDS, 5, True, 1.0)
    reference = BorderlineSMOTE(k_neighbors=5, m_neighbors=10, kind="borderline-1", random_state=SEEDS[1])
    expected, _ = reference.fit_resample(features, labels)
    np.testing.assert_allclose(made[classes == 1][60:], expected[260:], rtol=1e-6)
    plain, _ = balanced(features, labels, SEEDS, 5, False, 1.0)
    # Towards the other class, whose mean is at 0.
    assert made[classes == 1][60:].mean() < plain[classes == 1][60:].mean() - 0.3


def test_a_class_without_a_border_stays_as_it_is(capsys):
    features, labels = blobs([40, 12], spread=0.1)
    made, classes = balanced(features, labels, SEEDS, 5, True, 1.0)
    assert np.array_equal(made, features)
    assert np.array_equal(classes, labels)
    assert "class number 1 has 12 images and gets 0 new ones" in capsys.readouterr().out


def test_a_single_image_is_refused_and_a_class_without_any_left_out():
    features, labels = blobs([9, 0, 1])
    with pytest.raises(MethodError, match="class number 2 has 1 train image"):
        balanced(features, labels, SEEDS, 5, False, 1.0)
    _, classes = balanced(features[:9], labels[:9], SEEDS, 5, False, 1.0)
    assert classes.tolist() == [0] * 9


@pytest.fixture
def spec(entry):
    def make(method, **changes):
        return {
            "method": method,
            "model": entry("model", "tiny-cnn", width=8),
            "recipe": entry("recipe", "sgd", epochs=3, batch=72, weight_decay=0.2, warmup=0.0),
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


def test_the_head_is_logistic_regression_on_real_and_new_features(
    spec, registry, toy, memory, parent, entry, monkeypatch
):
    seen = []

    def noting(*args):
        seen.append((args[:2], balanced(*args)))
        return seen[-1][1]

    monkeypatch.setattr("assay.adjust.smote.balanced", noting)
    model = run(spec(entry("adjust", "smote", epochs=400, lr=0.05)), registry, toy, parent, memory())
    own, theirs = model.state_dict(), parent.state_dict()
    assert all(torch.equal(own[name], theirs[name]) for name in own if not name.startswith("head."))
    ((given, (made, classes)),) = seen
    split = toy.splits["train"]
    np.testing.assert_allclose(given[0], logits_and_features(parent, split.images)[1], rtol=1e-5, atol=1e-6)
    assert np.array_equal(given[1], split.labels)
    assert np.bincount(classes).tolist() == [24, 24, 24]

    logits, features = logits_and_features(model, toy.splits["test"].images)
    probabilities = torch.from_numpy(logits).softmax(1).numpy()
    fit = LogisticRegression(C=1 / (0.2 * 72), tol=1e-9, max_iter=5000).fit
    np.testing.assert_allclose(probabilities, fit(made, classes).predict_proba(features), atol=0.002)
    assert abs(probabilities - fit(*given).predict_proba(features)).max() > 0.02


def test_resumed_run_equals_an_undisturbed_one(spec, registry, toy, memory, parent, entry):
    recipe = entry("recipe", "sgd", epochs=3, batch=16, weight_decay=0.2, warmup=0.0)
    what = spec(entry("adjust", "smote", epochs=3), recipe=recipe)

    def again(record):
        return run(what, registry, toy, parent, record).state_dict()

    undisturbed = memory()
    expected = again(undisturbed)
    for every, stops in ((1, [2, 5]), (4, [5, 3])):
        record = memory(every)
        resumed = record.through(again, stops)
        assert all(torch.equal(value, expected[name]) for name, value in resumed.items())
        assert record.curve() == undisturbed.curve()
