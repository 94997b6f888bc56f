"""External test sets: whose classes are which, and how far accuracy falls."""

import numpy as np
import pytest
from assay.errors import MethodError
from assay.evaluate.external.family import family
from assay.evaluate.external.mapped import mapped
from assay.evaluate.trial import Predictions, Trial

OURS = ["cat", "dog", "ship"]


def said(predicted, labels, prefix="e"):
    """Predictions of the given classes, sure of each."""
    predicted = np.array(predicted)
    ids = np.array([f"{prefix}{number}" for number in range(len(predicted))])
    return Predictions(5.0 * np.eye(3)[predicted], np.zeros((len(predicted), 0)), ids, np.array(labels))


def test_classes_get_their_counterparts_and_others_are_left_out():
    outside = said([0, 0, 1, 2, 1], [0, 1, 2, 3, -1])  # hound, tabby, boat, car, none
    found = mapped(outside, ["hound", "tabby", "boat", "car"], OURS, {"tabby": "cat", "hound": "dog", "boat": "ship"})
    assert found.labels.tolist() == [1, 0, 2]
    assert found.ids.tolist() == ["e0", "e1", "e2"]
    assert mapped(outside, ["ship", "x", "cat", "y"], OURS, {}).labels.tolist() == [2, 0]


def test_wrong_names_are_told():
    outside = said([0], [0])
    with pytest.raises(MethodError, match="the external set has no class 'lion'; it has hound"):
        mapped(outside, ["hound"], OURS, {"lion": "cat"})
    with pytest.raises(MethodError, match="the arm's dataset has no class 'wolf'; it has cat, dog, ship"):
        mapped(outside, ["hound"], OURS, {"hound": "wolf"})
    with pytest.raises(MethodError, match="say under `test-sets` which is which"):
        mapped(outside, ["hound"], OURS, {})


def test_the_drop_is_against_the_own_images_of_the_same_classes():
    own = said([0, 0, 1, 2, 2], [0, 1, 1, 2, 2], "t")  # of cats and dogs 2 of 3 are right, of ships all
    away = said([0, 1, 1, 1], [0, 0, 1, 1])  # 3 of 4
    trial = Trial(OURS, np.ones(3, int), {"test": own, "zoo": away}, external={"zoo": ["tabby", "hound"]})
    rows = {row.metric: row for row in family(trial, {"zoo": {"tabby": "cat", "hound": "dog"}}, 15).rows}
    assert rows["external-accuracy"].value == 0.75
    assert rows["external-accuracy"].note == "4 of 4 images"
    assert rows["external-balanced-accuracy"].value == pytest.approx((0.5 + 1) / 2)
    assert rows["external-drop"].value == pytest.approx(2 / 3 - 0.75)
    assert {row.keys["set"] for row in rows.values()} == {"zoo"}


def test_a_set_without_images_is_undefined():
    trial = Trial(
        OURS, np.ones(3, int), {"test": said([0], [0]), "zoo": said([0], [1])}, external={"zoo": ["a", "cat"]}
    )
    trial.sets["zoo"].labels[:] = 0
    rows = family(trial, {"zoo": {}}, 15).rows
    assert all(row.value is None and row.note for row in rows)
