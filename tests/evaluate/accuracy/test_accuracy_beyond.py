"""F1, correlation, kappa, top-k and metrics by how rare classes are, against scikit-learn and by hand."""

import numpy as np
import pytest
from assay.evaluate.accuracy.confusion import confusion
from assay.evaluate.accuracy.family import family
from assay.evaluate.accuracy.kappa import kappa
from assay.evaluate.accuracy.macro_f1 import macro_f1
from assay.evaluate.accuracy.mcc import mcc
from assay.evaluate.accuracy.recall import recall
from assay.evaluate.accuracy.shots import bin_of, mean_over
from assay.evaluate.accuracy.top_k import top_k
from assay.evaluate.result import UndefinedError
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics


def test_they_agree_with_scikit_learn(case):
    logits, labels = case
    counts = confusion(logits, labels)
    predicted = logits.argmax(1)
    seen = np.union1d(labels, predicted)
    assert macro_f1(counts) == pytest.approx(metrics.f1_score(labels, predicted, labels=seen, average="macro"))
    for weights in ("none", "linear", "quadratic"):
        other = None if weights == "none" else weights
        if len(seen) == 1:
            with pytest.raises(UndefinedError, match="nothing is left to chance"):
                kappa(counts, weights)
        else:
            expected = metrics.cohen_kappa_score(labels, predicted, labels=range(5), weights=other)
            assert kappa(counts, weights) == pytest.approx(expected)
    if len(np.unique(labels)) == 1 or len(np.unique(predicted)) == 1:
        with pytest.raises(UndefinedError, match="one class"):
            mcc(counts)
    else:
        assert mcc(counts) == pytest.approx(metrics.matthews_corrcoef(labels, predicted))


@given(st.integers(0, 500), st.integers(1, 6), st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_top_k_agrees_with_scikit_learn(seed, k, images):
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(images, 7)), rng.integers(0, 7, images)
    expected = metrics.top_k_accuracy_score(labels, logits, k=k, labels=range(7))
    assert top_k(logits, labels, k) == pytest.approx(expected)


def test_top_k_at_its_limits():
    logits, labels = np.zeros((4, 3)), np.array([0, 1, 2, 2])
    assert [top_k(logits, labels, k) for k in (1, 2, 3)] == [0.25, 0.5, 1.0]  # ties go by number
    assert top_k(np.array([[np.inf, -np.inf, 0.0]]), np.array([2]), 2) == 1
    with pytest.raises(UndefinedError, match="only 3 classes"):
        top_k(logits, labels, 4)
    with pytest.raises(UndefinedError, match="no images"):
        top_k(logits[:0], labels[:0], 1)
    with pytest.raises(UndefinedError, match="NaN"):
        top_k(np.full((1, 3), np.nan), np.array([0]), 1)


def test_a_distant_confusion_weighs_more_the_higher_the_power():
    near, far = np.array([[8, 2, 0], [0, 10, 0], [0, 0, 10]]), np.array([[8, 0, 2], [0, 10, 0], [0, 0, 10]])
    assert kappa(near, "linear") > kappa(near, "none")
    assert kappa(near, "quadratic") > kappa(far, "quadratic")
    for empty in (macro_f1, mcc, kappa):
        with pytest.raises(UndefinedError, match="no images"):
            empty(np.zeros((3, 3), int))


def test_bins_of_train_images_are_those_of_the_paper():
    bins = bin_of(np.array([101, 100, 20, 19, 0]), 100, 20)
    assert {name: members.tolist() for name, members in bins.items()} == {
        "many": [0], "medium": [1, 2], "few": [3, 4],
    }  # fmt: skip


def test_a_bin_is_the_mean_of_its_classes_that_have_a_value():
    counts = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    assert mean_over(counts, np.array([0, 1]), recall) == pytest.approx((0.75 + 1) / 2)
    assert mean_over(counts, np.array([0, 2]), recall) == 0.75
    with pytest.raises(UndefinedError, match="no class of the bin"):
        mean_over(counts, np.array([2]), recall)
    with pytest.raises(UndefinedError, match="so many train images"):
        mean_over(counts, np.array([], int), recall)


def test_the_family_tells_rare_classes_from_common_ones(trial):
    rows = {(row.metric, *row.keys.values()): row for row in family(trial, ["test"], [2], 70, 20).rows}
    assert rows["shot-recall", "many", "test"].value == rows["recall", "zero", "test"].value
    assert rows["shot-recall", "medium", "test"].value == rows["recall", "one", "test"].value
    assert rows["shot-f1", "few", "test"].value == rows["f1", "two", "test"].value
    assert rows["shot-f1", "few", "test"].note == "1 of 3 classes"
