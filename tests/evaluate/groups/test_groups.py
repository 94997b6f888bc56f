"""Groups: the worst, gaps, MacroStd and the robustness index by hand and by scikit-learn."""

import json
import math

import numpy as np
import pytest
from assay.evaluate.backdoor.family import family as backdoor
from assay.evaluate.groups.family import attributes, family
from assay.evaluate.groups.macro_std import macro_std
from assay.evaluate.groups.robustness_index import robustness_index
from assay.evaluate.result import UndefinedError
from assay.evaluate.trial import Predictions, Trial
from assay.study.registry import scan
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors


def predictions(right, labels, groups, features=None):
    """Predictions on two classes of which some are right."""
    labels = np.array(labels, np.int64)
    said = np.where(np.array(right, bool), labels, 1 - labels)
    logits = np.eye(2)[said]
    features = np.zeros((len(labels), 0)) if features is None else features
    ids = np.array([str(number) for number in range(len(labels))])
    return Predictions(logits, features, ids, labels, groups=None if groups is None else np.array(groups))


def trial(test, **more):
    return Trial(classes=["cat", "dog"], counts=np.array([5, 5]), sets={"test": test, "val": test}, **more)


RIGHT = [1, 1, 1, 0, 1, 0, 0, 0]
LABELS = [0, 0, 0, 0, 1, 1, 1, 1]
GROUPS = ["cat/cat"] * 3 + ["cat/dog"] + ["dog/dog"] * 2 + ["dog/cat"] * 2


def table(result):
    return {(row.metric, *row.keys.values()): row for row in result.rows}


def test_by_hand():
    rows = table(family(trial(predictions(RIGHT, LABELS, GROUPS)), ["test"], 1, 3))
    found = {name: rows["group-accuracy", name, "test"].value for name in sorted(set(GROUPS))}
    assert found == {"cat/cat": 1.0, "cat/dog": 0.0, "dog/cat": 0.0, "dog/dog": 0.5}
    assert rows["group-accuracy", "worst", "test"].value == 0
    assert rows["group-accuracy", "worst", "test"].note == "group cat/dog, 1 images"
    assert rows["group-gap", "test"].value == 0.5
    # Cats: 3/4 of weight at 1, 1/4 at 0, so sqrt(3/16); dogs: halves at 0.5 and 0, so 1/4.
    assert rows["macro-std", "test"].value == pytest.approx((math.sqrt(3 / 16) + 0.25) / 2)
    assert rows["robustness-index", "test"].value is None
    assert "features" in rows["robustness-index", "test"].note


def test_small_groups_may_be_left_out():
    rows = table(family(trial(predictions(RIGHT, LABELS, GROUPS)), ["test"], 2, 3))
    assert rows["group-accuracy", "worst", "test"].note == "group dog/cat, 2 images"
    assert ("group-accuracy", "cat/dog", "test") not in rows
    none = table(family(trial(predictions(RIGHT, LABELS, GROUPS)), ["test"], 9, 3))
    assert none["group-accuracy", "worst", "test"].value is None


def test_without_groups_there_are_reasons():
    rows = family(trial(predictions(RIGHT, LABELS, None)), ["test", "val"], 1, 3).rows
    assert len(rows) == 8
    assert all(row.value is None and "no groups" in row.note for row in rows)


def test_private_groups_keep_their_names():
    patients = [f"patient-{number}" for number in (7, 7, 3, 3, 9, 9, 3, 7)]
    result = family(trial(predictions(RIGHT, LABELS, patients), private=True), ["test"], 1, 3)
    assert "patient" not in json.dumps([str(row) for row in result.rows]) + json.dumps(result.figures)
    told = table(family(trial(predictions(RIGHT, LABELS, patients)), ["test"], 1, 3))
    hidden = table(result)
    assert hidden["group-accuracy", "worst", "test"].value == told["group-accuracy", "worst", "test"].value


def test_many_groups_leave_the_worst_alone():
    count = 300
    labels = np.zeros(count, int)
    right = np.arange(count) % 7 > 0
    rows = family(trial(predictions(right, labels, [f"p{number}" for number in range(count)])), ["test"], 1, 3).rows
    assert sum(row.metric == "group-accuracy" for row in rows) == 1
    assert "300 groups" in rows[0].note


def test_rows_are_those_of_the_card():
    card = scan().card("evaluation", "groups")
    features = np.random.default_rng(0).normal(size=(8, 3))
    result = family(trial(predictions(RIGHT, LABELS, GROUPS, features)), ["test", "val"], 1, 3)
    assert {row.metric for row in result.rows} == set(card.metrics)
    assert all(set(row.keys) == set(card.metrics[row.metric].keys) for row in result.rows)
    json.dumps(result.figures, allow_nan=False)
    spoilt = predictions(RIGHT, LABELS, GROUPS, features)
    spoilt.logits[0, 0] = np.nan
    assert all(row.value is not None or row.note for row in family(trial(spoilt), ["test"], 1, 3).rows)
    empty = predictions([], [], [])
    assert all(row.value is None and row.note for row in family(trial(empty), ["test"], 1, 3).rows)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60))
def test_macro_std_is_the_deviation_of_expected_correctness(seed, count):
    """Its square, in each class, is the variance of the group's accuracy over the images of the class."""
    rng = np.random.default_rng(seed)
    labels, groups = rng.integers(0, 3, count), rng.integers(0, 4, count).astype(str)
    right = rng.random(count) < 0.6
    expected = []
    several = False
    for label in set(labels.tolist()):
        values = [right[(labels == label) & (groups == group)].mean() for group in groups[labels == label]]
        several |= len(set(groups[labels == label])) > 1
        expected.append(np.std(values))
    if not several:
        with pytest.raises(UndefinedError):
            macro_std(right, labels, groups)
        return
    assert macro_std(right, labels, groups) == pytest.approx(np.mean(expected), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(1, 50))
def test_the_robustness_index_agrees_with_scikit_learn(seed, count, k):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 3))
    labels, centres = rng.integers(0, 2, count), rng.integers(0, 2, count)
    near = NearestNeighbors(n_neighbors=min(k, count - 1)).fit(features).kneighbors(return_distance=False)
    same_class, same_centre = (labels[near] == labels[:, None]).sum(), (centres[near] == centres[:, None]).sum()
    if same_centre == 0:
        with pytest.raises(UndefinedError):
            robustness_index(features, labels, centres, k)
        return
    assert robustness_index(features, labels, centres, k) == pytest.approx(same_class / same_centre, abs=1e-9)


def test_the_robustness_index_tells_class_from_confounder():
    labels, centres = np.repeat([0, 1], 20), np.tile([0, 1], 20)
    noise = np.random.default_rng(0).normal(0, 0.1, (40, 2))
    by_class, by_centre = noise + np.eye(2)[labels], noise + np.eye(2)[centres]
    assert robustness_index(by_class, labels, centres, 10) > 1.5
    assert robustness_index(by_centre, labels, centres, 10) < 0.7
    assert attributes(np.array(["a/x", "b/y"])).tolist() == ["x", "y"]
    assert attributes(np.array(["a/x", "b"])).tolist() == ["a/x", "b"]


def test_a_back_door_is_as_open_as_triggered_images_fall_for_it():
    test = predictions([1, 1, 1, 0], [0, 1, 0, 1], None)
    poisoned = trial(test)
    poisoned.sets["triggered"] = predictions([1, 1, 0, 0], [1, 1, 1, 1], None)
    rows = {row.metric: row for row in backdoor(poisoned).rows}
    assert rows["attack-success"].value == 0.5
    assert rows["backdoor-clean-accuracy"].value == 0.75
    rows = {row.metric: row for row in backdoor(trial(test)).rows}
    assert rows["attack-success"].value is None
    assert "not poisoned" in rows["attack-success"].note
