"""Accuracy and metrics per class, against scikit-learn and by hand."""

import warnings

import numpy as np
import pytest
import torch
from assay.evaluate.accuracy.accuracy import accuracy
from assay.evaluate.accuracy.balanced_accuracy import balanced_accuracy
from assay.evaluate.accuracy.confusion import confusion
from assay.evaluate.accuracy.f1 import f1
from assay.evaluate.accuracy.family import family
from assay.evaluate.accuracy.precision import precision
from assay.evaluate.accuracy.recall import recall
from assay.evaluate.result import UndefinedError
from sklearn import metrics
from torchmetrics.functional.classification import multiclass_accuracy


def test_they_agree_with_scikit_learn(case):
    logits, labels = case
    predicted = torch.from_numpy(logits).argmax(1).numpy()
    counts = confusion(logits, labels)
    assert counts.tolist() == metrics.confusion_matrix(labels, predicted, labels=range(5)).tolist()
    assert accuracy(counts) == pytest.approx(metrics.accuracy_score(labels, predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert balanced_accuracy(counts) == pytest.approx(metrics.balanced_accuracy_score(labels, predicted))
    expected = metrics.precision_recall_fscore_support(labels, predicted, labels=range(5), zero_division=np.nan)
    for measure, values in zip((precision, recall, f1), expected, strict=False):
        for number, value in enumerate(values):
            if np.isnan(value):
                with pytest.raises(UndefinedError):
                    measure(counts, number)
            else:
                assert measure(counts, number) == pytest.approx(value)


def test_accuracy_agrees_with_torchmetrics(case):
    logits, labels = case
    found = multiclass_accuracy(torch.from_numpy(logits), torch.from_numpy(labels), 5, average="micro")
    assert accuracy(confusion(logits, labels)) == pytest.approx(float(found))


def test_a_rare_class_weighs_as_much_as_another_in_balanced_accuracy():
    counts = np.array([[90, 0], [9, 1]])
    assert accuracy(counts) == pytest.approx(0.91)
    assert balanced_accuracy(counts) == pytest.approx((1.0 + 0.1) / 2)


def test_infinite_logits_still_have_a_largest():
    logits = np.array([[np.inf, 0.0, -np.inf], [-np.inf, 0.0, 1.0]])
    assert accuracy(confusion(logits, np.array([0, 2]))) == 1.0
    with pytest.raises(UndefinedError, match="1 of 1 images"):
        confusion(np.array([[np.nan, 1.0]]), np.array([0]))


def test_the_rarest_class_is_that_of_the_train_split(trial):
    rows = {(row.metric, *row.keys.values()): row for row in family(trial, ["test"], [2], 100, 20).rows}
    assert rows["recall", "rarest", "test"].value == rows["recall", "two", "test"].value
    assert rows["recall", "rarest", "test"].note == "class two"
    trial.counts = np.array([7, 7, 9])
    rows = {(row.metric, *row.keys.values()): row for row in family(trial, ["test"], [2], 100, 20).rows}
    assert rows["recall", "rarest", "test"].note == "class zero"


def test_each_split_is_judged_on_its_own(trial):
    result = family(trial, ["test", "val"], [2], 100, 20)
    sizes = {split: np.sum(result.figures["confusion"][split]) for split in ("test", "val")}
    assert sizes == {"test": 120, "val": 80}
    assert len(family(trial, ["val"], [2], 100, 20).rows) == len(result.rows) / 2


def test_a_class_without_test_images_is_left_out_and_named(trial):
    test = trial.sets["test"]
    kept = test.labels != 2
    test.logits, test.labels = test.logits[kept], test.labels[kept]
    result = family(trial, ["test"], [2], 100, 20)
    rows = {(row.metric, *row.keys.values()): row for row in result.rows}
    assert rows["balanced-accuracy", "test"].note == "classes without images in test are left out: two"
    assert rows["recall", "two", "test"].value is None
    assert rows["recall", "two", "test"].note == "no image belongs to the class"
    assert result.figures["recall"]["test"][2] is None
